/** The use case `trace diff --structure`: two captures event by event. Called by the command. */
import { captureView } from '../../analysis/structure/capture.js';
import { compareStructures } from '../../analysis/structure/compare.js';
import { readStructure } from '../../analysis/structure/read.js';
import type { Comparison, Structure } from '../../analysis/structure/types.js';
import { openCapture } from '../../store/database.js';
import { findCapture } from './capture_path.js';

/** The outcome, with the captures that were compared. */
export interface StructureDiff extends Comparison {
  readonly left: string;
  readonly right: string;
}

/** Compares two captures, `a` being what is expected. */
export function structureDiff(a: string, b: string): StructureDiff {
  const [left, right] = [findCapture(a), findCapture(b)];
  return { left, right, ...compareStructures(structureOf(left), structureOf(right)) };
}

function structureOf(path: string): Structure {
  const capture = openCapture(path);
  try {
    return readStructure(captureView(capture));
  } finally {
    capture.close();
  }
}
