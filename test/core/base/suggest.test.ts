/** "Did you mean" for commands. */
import test from 'ava';
import { closest, editDistance } from '../../../src/core/base/suggest.js';
import { commandNotFound } from '../../../src/core/cli/command_not_found.js';

test('the distance of two words counts edits, a swap of neighbours as one', (t) => {
  t.is(editDistance('events', 'events'), 0);
  t.is(editDistance('evnets', 'events'), 1);
  t.is(editDistance('', 'abc'), 3);
  t.is(editDistance('kitten', 'sitting'), 3);
});

test('the nearest word is suggested, and none when nothing is near', (t) => {
  t.is(closest('latncy', ['ls', 'latency', 'events']), 'latency');
  t.is(closest('req', ['requests', 'events']), 'requests');
  t.is(closest('xyzzy', ['ls', 'latency', 'events']), undefined);
});

test('a misspelled command names the command that was meant', (t) => {
  const ids = ['run', 'trace:events', 'trace:ls', 'stats:show'];
  t.is(commandNotFound('trace:evnts:file.db', ids, 'netfslab').hint, 'netfslab trace events');
  t.is(commandNotFound('rnu', ids, 'netfslab').hint, 'netfslab run');
  t.is(commandNotFound('frobnicate', ids, 'netfslab').hint, 'netfslab --help');
});

test('an argument where none is taken is told as such', (t) => {
  const { message } = commandNotFound('trace:ls:C:x', ['trace:ls'], 'netfslab');
  t.is(message, "trace ls: takes no argument 'C:x'");
});
