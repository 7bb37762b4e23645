/** What a terminal gets of hostile text, and a pipe. */
import { Writable } from 'node:stream';
import test from 'ava';
import { writeLines } from '../../../src/core/cli/output.js';

async function written(isTTY: boolean, line: string): Promise<string> {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  await writeLines([line], Object.assign(stream, { isTTY }));
  return text;
}

test('a terminal gets control characters spelled out, a pipe the bytes', async (t) => {
  const line = '\x1b]0;title\x07größe\t\x9b31m';
  t.is(await written(true, line), '\\x1b]0;title\\x07größe\t\\x9b31m\n');
  t.is(await written(false, line), `${line}\n`);
});
