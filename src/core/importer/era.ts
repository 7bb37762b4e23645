/**
 * Tells the era of a trace by what its events look like: the era is meant in which most of them
 * parse, print back as they were, and hold no unknown word. Called by app/import/import.ts.
 */
import { UsageError } from '../base/errors.js';
import type { DescribedKernel } from '../trace/described.js';
import {
  ERA_KERNELS,
  ERAS,
  type Era,
  eraAge,
  eraOfKernel,
  isEra,
  isNewerThanKnown,
  type KnownEra,
  kernelSpans,
  kernelsOf,
  NEWEST_RELEASED,
} from '../trace/eras.js';
import { tracepointNamed } from '../trace/index.js';
import type { AnyTracepoint } from '../trace/tracepoint.js';
import { describeKernel } from './kernel_formats.js';
import { hasFurtherField, parseRawFields } from './raw_fields.js';
import type { FormatText } from './trace_dat/format.js';
import type { Sample } from './types.js';

/** An era, and why it was taken. */
export interface EraChoice {
  readonly era: Era;
  /** The kernels that it may be, for people. */
  readonly kernels: string;
  /** The description of the kernel, where its format files say that it is none of those known. */
  readonly described?: DescribedKernel;
  /** In words. */
  readonly evidence: string;
  /** Why it may be another, in words, and what to do about it; null = it is not in doubt. */
  readonly doubt: string | null;
}

/** What a user says of the kernel. */
export interface EraHints {
  /** --era */
  readonly era?: string | undefined;
  /** --kernel, a release as `uname -r` prints it. */
  readonly kernel?: string | undefined;
  /** The release that the trace itself names. */
  readonly named?: string | null;
  /** The kernel's format files, as they came with the trace or were given. */
  readonly formats?: readonly FormatText[];
  /** They were given: events of neighbouring systems are wanted as well. */
  readonly all?: boolean;
}

/** Taken where nothing tells: what most kernels in use print. */
/** What is said of the kernel where nothing tells it. */
export const NOT_KNOWN = 'not known';

const FALLBACK: KnownEra = 'E3';

/** Chooses the era. Throws `UsageError` for an era or kernel that is not known. */
export function chooseEra(samples: readonly Sample[], hints: EraHints = {}): EraChoice {
  const { era, kernel } = hints;
  if (era !== undefined) {
    if (!isEra(era)) throw unknownEra(era);
    return asTold(era, 'as --era says', kernelsOf(era), samples);
  }
  const described = ofFormats(samples, hints);
  if (described !== null) return described;
  if (kernel !== undefined) {
    const of = eraOfKernel(kernel);
    if (of === null) throw unknownKernel(kernel);
    const kernels = releaseText(of, kernel);
    return asTold(of, `as --kernel says: ${kernel} is ${kernels}`, kernels, samples);
  }
  return byText(samples, hints.named ?? null);
}

/** What was asked for, and what speaks against it. */
function asTold(
  era: KnownEra,
  evidence: string,
  kernels: string,
  samples: readonly Sample[],
): EraChoice {
  return { era, kernels, evidence, doubt: misfit(era, samples, fittingEras(samples)) };
}

/** What the kernel's own format files say; null where there are none or they are of no use. */
function ofFormats(samples: readonly Sample[], hints: EraHints): EraChoice | null {
  const { formats = [], all = false } = hints;
  const named = hints.kernel ?? hints.named ?? null;
  const occurring = new Set(samples.map(([name]) => name));
  const wanted = all ? (event: string) => occurring.has(event) : null;
  const hint = named === null ? null : eraOfKernel(named);
  const description = describeKernel(formats, hint, wanted);
  if (description === null) return null;
  const { closest, differences, kernel } = description;
  if (kernel === null || differences === 0) {
    const kernels = named === null ? kernelsOf(closest) : releaseText(closest, named);
    const evidence = `its format files are those of ${kernelsOf(closest)}`;
    if (kernel === null) return { era: closest, kernels, evidence, doubt: null };
    return { era: kernel.era, kernels, described: kernel, evidence, doubt: null };
  }
  const texts = `${differences} of its texts and label tables are new`;
  return {
    era: kernel.era,
    kernels: `none that is known; closest: ${kernelsOf(closest)}`,
    described: kernel,
    evidence: `described by its own format files: ${texts}`,
    doubt: null,
  };
}

/** Backports make the text differ from the release, so the text decides and the release helps. */
function byText(samples: readonly Sample[], named: string | null): EraChoice {
  const fitting = fittingEras(samples);
  const ofName = named === null ? null : eraOfKernel(named);
  if (ofName !== null && (fitting.eras.length === 0 || fitting.eras.includes(ofName))) {
    const kernels = releaseText(ofName, named as string);
    const evidence = `the trace names its kernel ${named}`;
    return { era: ofName, kernels, evidence, doubt: strangers(samples, ofName) };
  }
  const [first] = fitting.eras;
  if (first === undefined) {
    const inDoubt = samples.some(([name]) => tracepointNamed(name) !== undefined);
    const doubt = inDoubt ? 'no event is what any kernel prints: --kernel decides' : null;
    const evidence = 'nothing in the trace tells the era';
    return { era: FALLBACK, kernels: NOT_KNOWN, evidence, doubt };
  }
  // The newest that a release has: people debug the kernel they run.
  const era = fitting.eras.findLast(isReleased) ?? first;
  const strange = strangers(samples, era);
  if (strange !== null) {
    const kernels = `${era === NEWEST_RELEASED ? 'newer than' : 'not quite'} ${kernelsOf(era)}`;
    const closest = `${kernels}; closest: ${kernelsOf(era)}`;
    return { era, kernels: closest, evidence: fitting.evidence, doubt: strange };
  }
  const others = fitting.eras.filter((each) => each !== era);
  if (others.length === 0) {
    return { era, kernels: kernelsOf(era), evidence: fitting.evidence, doubt: null };
  }
  const doubt = `kernels ${kernelSpans(others)} print all these events as ${kernelsOf(era)} does`;
  return {
    era,
    kernels: kernelsOf(era),
    evidence: `${fitting.evidence}; ${others.join(', ')} would do as well`,
    doubt: `${doubt}: --kernel tells which it was`,
  };
}

/** What no known kernel prints, in words; null where there is no such thing. */
function strangers(samples: readonly Sample[], era: KnownEra): string | null {
  const found = new Set<string>();
  for (const [name, text] of samples) {
    const tracepoint = tracepointNamed(name);
    if (tracepoint === undefined) {
      if (/^(netfs|fscache|cachefiles)_\w/.test(name)) found.add(`event ${name}`);
      continue;
    }
    const row = tracepoint.parse(text, era) ?? [];
    for (const [i, { symbols }] of tracepoint.columns.entries()) {
      const value = row[i];
      if (symbols === null || typeof value !== 'string') continue;
      if (symbols.find(era, value) === undefined) found.add(`${name} '${value}'`);
    }
  }
  if (found.size === 0) return null;
  const [example] = found;
  const count = found.size === 1 ? example : `${found.size} words or events, as ${example}`;
  return `no kernel known here prints ${count}; --formats with its events/ folder describes it`;
}

/** True for an era of a release, false for the posted patchset and for what is not released yet. */
function isReleased(era: KnownEra): boolean {
  return era !== 'E0' && eraAge(era) <= eraAge(NEWEST_RELEASED);
}

/** The kernels of an era that was chosen by a release. */
function releaseText(era: KnownEra, release: string): string {
  if (!isNewerThanKnown(release)) return kernelsOf(era);
  return `newer than ${kernelsOf(era)}, which is the closest known`;
}

/** What speaks against an era that was asked for; null where no other fits better. */
function misfit(era: KnownEra, samples: readonly Sample[], fitting: Fitting): string | null {
  const [best] = fitting.eras;
  if (best === undefined || fitting.eras.includes(era)) return null;
  const events = samples.filter(([name]) => tracepointNamed(name) !== undefined);
  const exact = events.filter((sample) => fitOf(sample, era) === EXACT).length;
  const better = `${best} (${kernelsOf(best)}): ${fitting.evidence}`;
  return `${exact} of ${events.length} events are what ${era} prints; try ${better}`;
}

interface Fitting {
  readonly eras: readonly KnownEra[];
  readonly evidence: string;
}

/** The eras that fit best, oldest first, and in words how well. */
function fittingEras(samples: readonly Sample[]): Fitting {
  const alike = grouped(samples);
  const points = ERAS.map((era) =>
    alike.reduce((sum, [sample, count]) => sum + count * fitOf(sample, era), 0),
  );
  const best = Math.max(...points);
  const eras = best === 0 ? [] : ERAS.filter((_, i) => points[i] === best);
  const events = samples.filter(([name]) => tracepointNamed(name) !== undefined);
  const [era] = eras;
  const exact =
    era === undefined ? 0 : events.filter((sample) => fitOf(sample, era) === EXACT).length;
  const evidence = `${exact} of ${events.length} events looked at are printed exactly so`;
  return { eras, evidence };
}

/** Samples that differ in digits only, which fit an era alike, and how many there are of each. */
function grouped(samples: readonly Sample[]): [sample: Sample, count: number][] {
  const groups = new Map<string, [sample: Sample, count: number]>();
  for (const sample of samples) {
    // Zeros tell how a number is padded, so they stay; `read` is a word, not a number.
    const shape = sample[1].replace(/\b(?:0x)?[0-9a-f]*\d[0-9a-f]*\b/g, (digits) =>
      digits.replace(/[1-9a-f]/g, '#'),
    );
    const key = `${sample[0]} ${shape}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sample, 1]);
    else group[1]++;
  }
  return [...groups.values()];
}

const EXACT = 4;

/** How well an event fits an era: 0 = it does not have it or does not print it so. */
function fitOf([name, text]: Sample, era: Era): number {
  const tracepoint = tracepointNamed(name);
  if (tracepoint === undefined || tracepoint.format(era) === null) return 0;
  const row = tracepoint.parse(text, era) ?? tracepoint.parse(`${text}\n`, era);
  if (row === null) return fitOfNumbers(tracepoint, text, era);
  const known = tracepoint.columns.every(({ symbols }, i) => {
    const value = row[i];
    return symbols === null || typeof value !== 'string' || symbols.find(era, value) !== undefined;
  });
  const same = tracepoint.print(row, era).trimEnd() === text.trimEnd();
  return 1 + (known ? 2 : 0) + (same ? 1 : 0);
}

/** The same of raw fields, where words are numbers: by which fields there are. */
function fitOfNumbers(tracepoint: AnyTracepoint, text: string, era: Era): number {
  const row = parseRawFields(tracepoint, text, era);
  if (row === null) return 0;
  const known = tracepoint.columns.every(({ symbols }, i) => {
    return symbols === null || row[i] === null || symbols.labels(era)[Number(row[i])] !== undefined;
  });
  return 1 + (known ? 2 : 0) + (hasFurtherField(tracepoint, text, row) ? 0 : 1);
}

function unknownEra(era: string): UsageError {
  const eras = ERAS.map((each) => `${each} (${ERA_KERNELS[each]})`).join(', ');
  return new UsageError('--era', `no era '${era}'`, `one of ${eras}`);
}

function unknownKernel(kernel: string): UsageError {
  const hint = 'a release from 5.13 on, as uname -r prints it: 6.1, 6.12.107';
  return new UsageError('--kernel', `no netfs events are known of '${kernel}'`, hint);
}
