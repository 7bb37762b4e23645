/** The registry of contests: a new one is a source in a file beside this and a row here. */
import { ASK_CONTESTS } from './ask.js';
import { ENGINE_CONTESTS } from './engine.js';
import type { ContestSource } from './harness.js';
import { IMPORT_CONTESTS } from './import.js';
import { MOUNT_CONTESTS } from './mount.js';
import { RECORD_CONTESTS } from './record.js';
import { SHARE_CONTESTS } from './share.js';
import { WORKLOAD_CONTESTS } from './workload.js';

/** Every contest, in the order in which they are run. Names are unique. */
export const CONTESTS: readonly ContestSource[] = [
  ...ENGINE_CONTESTS,
  ...IMPORT_CONTESTS,
  ...ASK_CONTESTS,
  ...SHARE_CONTESTS,
  ...MOUNT_CONTESTS,
  ...WORKLOAD_CONTESTS,
  ...RECORD_CONTESTS,
];
