/** Assertions, on in production: a broken invariant is a `Bug`, never a silent wrong answer. */
import { Bug } from './errors.js';

/** Throws a `Bug` with the message unless the condition holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}

/** Fails to compile when a case of a union is forgotten, and throws if one slips in at run time. */
export function assertUnreachable(value: never): never {
  throw new Bug(`unexpected value ${String(value)}`);
}
