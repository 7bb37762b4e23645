/** The profiles, one row each; a new one is a file and a row here. */
import { UsageError } from '../base/errors.js';
import { linux513Afs } from './linux_5_13_afs.js';
import { linux619p } from './linux_6_1_9p.js';
import { linux61Afs } from './linux_6_1_afs.js';
import type { Profile } from './types.js';

/** Every profile, the default first. */
export const PROFILES = [linux513Afs, linux619p, linux61Afs] as const satisfies readonly Profile[];

/** The profile of that name. Throws a `UsageError` that lists the names there are. */
export function profileByName(name: string): Profile {
  const found = PROFILES.find((profile) => profile.name === name);
  if (found !== undefined) return found;
  const names = PROFILES.map((profile) => profile.name).join(', ');
  throw new UsageError('--profile', `unknown profile '${name}'`, `known profiles: ${names}`);
}
