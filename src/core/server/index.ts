/** The kinds of server, one row each; a new one is a file and a row here. */
import type { IoDriver } from '../io/types.js';
import type { Prng } from '../sim/prng.js';
import type { Scheduler } from '../sim/scheduler.js';
import { DirServer } from './dir.js';
import type { Server, ServerOptions } from './types.js';

/** Makes a server from what `--server` names. */
export type ServerFactory = (
  where: string,
  driver: IoDriver,
  scheduler: Scheduler,
  prng: Prng,
  options: ServerOptions,
) => Server;

/** Every kind of server. */
export const SERVERS = {
  dir: (where, driver, scheduler, prng, options) =>
    new DirServer(where, driver, scheduler, prng, options),
} as const satisfies Record<string, ServerFactory>;
