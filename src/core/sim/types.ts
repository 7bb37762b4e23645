/** What the loop asks of an I/O driver whose answers have to be fetched. */

/** A source of completions that the loop polls. */
export interface Pump {
  /** Operations asked for and not answered yet. */
  readonly pending: number;
  /** So much of it has not been handed to the kernel that this is worth a call of its own. */
  readonly due: boolean;
  /**
   * Hands what was asked for to the kernel and answers what has ended. When nothing has, waits up
   * to `waitNs` nanoseconds for something to.
   */
  poll(waitNs: number): void;
}
