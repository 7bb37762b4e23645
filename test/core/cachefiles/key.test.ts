/** Names of objects: one for every key, fit for a filesystem. */
import test from 'ava';
import fc from 'fast-check';
import { encodeKey, fanOut } from '../../../src/core/cachefiles/key.js';

const keys = fc.oneof(
  fc.string({ maxLength: 400 }),
  fc.stringMatching(/^[\w-]{0,300}$/),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

test('every name is one path element that a filesystem takes, and is not hidden', (t) => {
  fc.assert(
    fc.property(keys, (key) => {
      const name = encodeKey(key);
      if (!/^[DEH][\w-]*$/.test(name) || name.length > 250) t.fail(name);
    }),
  );
  t.regex(fanOut('anything'), /^@[0-9a-f]{2}$/);
});

test('different keys have different names', (t) => {
  fc.assert(
    fc.property(keys, keys, (a, b) => {
      if ((a === b) !== (encodeKey(a) === encodeKey(b))) t.fail(`${a} and ${b}`);
    }),
  );
  // A key that looks like the encoding of another.
  const encoded = encodeKey('a:b').slice(1);
  t.not(encodeKey(encoded), encodeKey('a:b'));
});

test('a readable key stays readable', (t) => {
  t.is(encodeKey('fid_12-7'), 'Dfid_12-7');
});
