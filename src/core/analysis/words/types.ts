/** Sentences for the labels of a table or the bits of a flag word, by identifier; no period. */
export type Sentences = Readonly<Record<string, string>>;
