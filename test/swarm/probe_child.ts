/** The process that `probes.ts` kills while it opens a served file for writing, with an overlay. */
import process from 'node:process';
import { Lab } from '../../src/core/lab/lab.js';

const [, , profile, server, serverOverlay] = process.argv as string[];
const lab = new Lab({
  server: server as string,
  profile: profile as string,
  clock: 'real',
  pageCache: 1 << 20,
  serverWrites: 'overlay',
  serverOverlay: serverOverlay as string,
});
process.send?.('ready');
await lab.run('opener', () => lab.vfs.open('f', { write: true }));
