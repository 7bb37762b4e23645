/** Assertions, on in production: a broken invariant is a `Bug`, never a silent wrong answer. */
import { Bug } from './errors.js';

/**
 * Throws a `Bug` with the message unless the condition holds. `number` takes the place of a # in
 * it: a text made for each page or request would cost more than the work that is checked.
 */
export function assert(condition: unknown, message: string, number?: number): asserts condition {
  if (!condition) throw new Bug(message.replace('#', `${number}`));
}

/** Fails to compile when a case of a union is forgotten, and throws if one slips in at run time. */
export function assertUnreachable(value: never): never {
  throw new Bug(`unexpected value ${String(value)}`);
}
