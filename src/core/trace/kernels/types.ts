/** What the file of an era holds: how its kernels differ from those of the era before. */

/** A printf string of the kernel, and the columns it prints in order, with blanks between. */
export type EventText = readonly [format: string, columns: string];

/**
 * What becomes of a label: null = gone; a word = added at the end, or printed otherwise where it
 * stood; a word and another label = stands behind that one in the kernel's enum, '' = first.
 */
export type LabelChange = null | string | readonly [word: string, after: string];

/** A kernel as the difference to its predecessor. Words have the kernel's padding. */
export interface EraData {
  /** Events that are new or printed otherwise, several ways where kernels differ; null = gone. */
  readonly events?: Readonly<Record<string, EventText | readonly EventText[] | null>>;
  /** By table: labels by identifier. */
  readonly labels?: Readonly<Record<string, Readonly<Record<string, LabelChange>>>>;
  /** Names of flag bits by set and bit, null = gone. Format files do not tell them: by hand. */
  readonly flags?: Readonly<Record<string, Readonly<Record<number, string | null>>>>;
}
