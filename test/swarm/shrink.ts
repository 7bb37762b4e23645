/** Makes a failing plan smaller while it still fails in the same way. */
import { shrink } from '../../src/core/workload/shrink.js';
import { type Op, type Plan, withoutFeature } from './plan.js';
import { play } from './player.js';

/** A plan and what it finds. */
export interface Shrunk {
  readonly plan: Plan;
  readonly found: string;
}

/** Leaves features and operations out of a plan that `found` something. */
export async function shrinkPlan(plan: Plan, found: string): Promise<Shrunk> {
  let best: Shrunk = { plan, found };
  const stillFails = async (candidate: Plan): Promise<boolean> => {
    const now = await play(candidate);
    if (now === undefined || kindOf(now) !== kindOf(found)) return false;
    best = { plan: candidate, found: now };
    return true;
  };
  const shrinkOps = async (): Promise<void> => {
    const { plan: now } = best;
    await shrink<Op>(now.ops, (ops) => stillFails({ ...best.plan, ops }), 300);
  };
  await shrinkOps();
  for (const { name } of best.plan.features) await stillFails(withoutFeature(best.plan, name));
  for (const { name } of best.plan.features) {
    const features = best.plan.features.map((feature) =>
      feature.name === name ? { ...feature, setup: {} } : feature,
    );
    await stillFails({ ...best.plan, features });
  }
  await shrinkOps();
  return best;
}

/** A plan in words, one line for each part. */
export function printPlan({ seed, profile, clock, files, features, ops }: Plan): string {
  return [
    `  seed ${seed}, ${profile}, ${clock} clock, files of ${files.join(', ')} bytes`,
    ...features.map(({ name, setup }) => `  with ${name} ${JSON.stringify(setup)}`),
    ...ops.map((op) => `  ${JSON.stringify(op)}`),
  ].join('\n');
}

// What a finding is about, without its numbers.
function kindOf(found: string): string {
  return (found.split('\n')[0] as string).replaceAll(/operation \d+ \(\w+\): |\d+|f#|n#/g, '');
}
