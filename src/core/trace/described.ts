/**
 * A kernel that was described by its own format files: what makes it differ from the closest known
 * era. It travels as JSON: to the thread that writes a capture, and with the capture itself.
 */
import type { Era } from './eras.js';
import type { EraData } from './kernels/types.js';

/** A column that no definition here has. */
export interface DescribedColumn {
  readonly name: string;
  readonly kind: 'uint' | 'int' | 'u64' | 'label' | 'text';
  /** Name of its label table, for kind `label`. */
  readonly table?: string;
}

/** The description of a kernel. */
export interface DescribedKernel {
  readonly era: Era;
  readonly data: EraData;
  /** Events that no definition here has: trace system, columns in order. */
  readonly events: Readonly<
    Record<string, { readonly system: string; readonly columns: readonly DescribedColumn[] }>
  >;
  /** By event: columns it has besides those of its definition. */
  readonly columns: Readonly<Record<string, readonly DescribedColumn[]>>;
}
