/** What `conform` and `trace diff --structure` print for people. */
import type { Comparison, Divergence, Share } from '../../analysis/structure/types.js';
import type { ConformScore, ConformSummary, ScenarioOutcome } from './conform.js';

/** One line on a scenario. */
export function outcomeLine({ scenario, identical, comparison, notes }: ScenarioOutcome): string {
  const verdict = comparison === null ? 'NONE' : identical ? 'same' : 'DIFF';
  const counts = comparison === null ? '' : comparisonText(comparison);
  return [`${verdict}  ${scenario}`, counts, ...notes].filter((text) => text !== '').join('  ');
}

/** The first difference of each scenario, and the score. */
export function* conformLines({ outcomes, score, several }: ConformSummary): Generator<string> {
  for (const { scenario, comparison } of outcomes) {
    const [first] = comparison?.divergences ?? [];
    if (first === undefined) continue;
    yield `${scenario}: the first of ${comparison?.differences} differences`;
    yield* divergenceLines(first);
  }
  if (score.scenarios.all > 0) yield* scoreLines('score', score);
  if (several.scenarios.all > 0) yield* scoreLines('score, several processors', several);
}

/** The outcome of comparing two captures. */
export function* comparisonLines(comparison: Comparison): Generator<string> {
  yield comparisonText(comparison);
  for (const divergence of comparison.divergences) yield* divergenceLines(divergence);
  const more = comparison.differences - comparison.divergences.length;
  if (more > 0) yield `... and ${more} more differences`;
}

function comparisonText({ requests, events, reordered, parts }: Comparison): string {
  const differ = Object.entries(parts)
    .filter(([, share]) => share.identical < share.all)
    .map(([part, share]) => `${part} ${ratio(share)}`);
  return [
    `requests ${ratio(requests)}`,
    `events ${ratio(events)}`,
    ...(reordered > 0 ? [`${reordered} in another order`] : []),
    ...(differ.length > 0 ? [`differ: ${differ.join(', ')}`] : []),
  ].join('  ');
}

function* divergenceLines(divergence: Divergence): Generator<string> {
  const { part, where, left, right, section } = divergence;
  yield `  ${part}, ${where} (BEHAVIOUR ${section})`;
  yield `    - ${left ?? '(nothing)'}`;
  yield `    + ${right ?? '(nothing)'}`;
}

function* scoreLines(title: string, score: ConformScore): Generator<string> {
  const { scenarios, requests, events, refs, reordered } = score;
  yield `${title}: scenarios ${ratio(scenarios)}  requests ${ratio(requests)}  events ${ratio(events)}` +
    `  references ${ratio(refs)}  in another order ${reordered}`;
}

function ratio({ identical, all }: Share): string {
  return `${identical}/${all}`;
}
