/**
 * What `host` operations say: changes made on the server's side by somebody else, and failures that
 * are injected there. Read here, carried out by the machine.
 */
import { labelledContent } from './content.js';

/** A change of a file on the server. Positions and lengths are bytes. */
export interface FileChange {
  readonly path: string;
  /** The length that the file is cut or extended to, before anything is written. */
  readonly size?: number;
  readonly position?: number;
  readonly bytes?: Uint8Array;
}

/** A failure injected on the server's side or into the cache's device. Times are milliseconds. */
export type HostFault =
  | { readonly fault: 'pause' | 'linkdown' | 'killin'; readonly ms: number }
  | { readonly fault: 'dmerr' | 'dmok' | 'restart' }
  | { readonly fault: 'disktrunc'; readonly path: string; readonly size: number };

/** What a command means. */
export type HostCommand = FileChange | HostFault;

/** Every command: its arguments, and what it does. */
export const HOST_COMMANDS = {
  rewrite: { args: 'FILE LENGTH TAG', doc: 'replaces the content, as another client would' },
  patch: { args: 'FILE OFFSET LENGTH TAG', doc: 'overwrites a part' },
  truncate: { args: 'FILE LENGTH', doc: 'cuts or extends the file' },
  disktrunc: { args: 'FILE LENGTH', doc: 'cuts the file behind the file server' },
  pause: { args: 'MS', doc: 'the server does not answer for milliseconds' },
  linkdown: { args: 'MS', doc: 'nothing gets through for milliseconds' },
  killin: { args: 'MS', doc: 'the server stops at once and is dead after milliseconds' },
  restart: { args: '', doc: 'the server starts anew: nothing that it promised holds' },
  dmerr: { args: '', doc: "the cache's device fails from now on" },
  dmok: { args: '', doc: "the cache's device works again" },
} as const satisfies Record<string, { args: string; doc: string }>;

/** Reads a command; undefined when it is none of `HOST_COMMANDS`. */
export function parseHostCommand(text: string): HostCommand | undefined {
  const [name = '', ...args] = text.trim().split(/\s+/);
  if (!Object.hasOwn(HOST_COMMANDS, name)) return undefined;
  const known = HOST_COMMANDS[name as keyof typeof HOST_COMMANDS];
  const names = known.args.split(' ').filter((each) => each !== '');
  if (names.length !== args.length) return undefined;
  const given = Object.fromEntries(names.map((each, i) => [each, args[i] as string]));
  const number = (each: string): number => Number(given[each]);
  const path = given.FILE as string;
  const size = number('LENGTH');
  for (const each of ['LENGTH', 'OFFSET', 'MS']) {
    if (each in given && !Number.isSafeInteger(number(each))) return undefined;
  }
  switch (name as keyof typeof HOST_COMMANDS) {
    case 'rewrite':
      return { path, size, position: 0, bytes: labelledContent(given.TAG as string, size) };
    case 'patch':
      return {
        path,
        position: number('OFFSET'),
        bytes: labelledContent(given.TAG as string, size),
      };
    case 'truncate':
      return { path, size };
    case 'disktrunc':
      return { fault: 'disktrunc', path, size };
    case 'pause':
    case 'linkdown':
    case 'killin':
      return { fault: name as 'pause', ms: number('MS') };
    default:
      return { fault: name as 'dmerr' };
  }
}
