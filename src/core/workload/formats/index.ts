/** The formats of recorded workloads, one row each; the first that recognises a file reads it. */
import type { FrontEnd } from '../recording.js';
import { blkparse } from './blkparse.js';
import { iolog } from './iolog.js';
import { opList } from './op_list.js';
import { strace } from './strace.js';
import { xfsIo } from './xfs_io.js';

/** Every format whose files are played through the VFS, the most unmistakable first. */
export const FRONT_ENDS = [
  iolog,
  blkparse,
  strace,
  opList,
  xfsIo,
] as const satisfies readonly FrontEnd[];

/** How much of a file is looked at to recognise it, characters. */
export const HEAD = 64 << 10;

/** The format of a text; undefined: none. */
export function frontEndOf(text: string): FrontEnd | undefined {
  const head = text.slice(0, HEAD);
  return FRONT_ENDS.find((each) => each.recognises(head));
}
