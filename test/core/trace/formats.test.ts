/** The tracepoint table against what was collected from kernel sources and from running kernels. */
import test from 'ava';
import { ERAS, type Era } from '../../../src/core/trace/eras.js';
import * as cachefiles from '../../../src/core/trace/events/cachefiles_labels.js';
import * as fscache from '../../../src/core/trace/events/fscache_labels.js';
import * as netfs from '../../../src/core/trace/events/netfs_labels.js';
import * as write from '../../../src/core/trace/events/netfs_write_labels.js';
import { flagNames } from '../../../src/core/trace/flag_bits.js';
import { TRACEPOINTS, tracepointNamed } from '../../../src/core/trace/index.js';
import { statLines } from '../../../src/core/trace/stats_layout.js';
import type { Symbols } from '../../../src/core/trace/symbols.js';
import type { AnyTracepoint } from '../../../src/core/trace/tracepoint.js';
import { FORMATS, type FormatGroup, REAL_LINES, syntheticLines } from '../../helpers/formats.js';

/** Formats that gather what the kernel prints in pieces, or leave an address as it is. */
const GATHERED = /^(fscache_osm|9p_protocol_dump|afs_call|afs_make_call|nfs4_read|nfs4_write)$/;

function named(event: string): AnyTracepoint {
  const found = tracepointNamed(event);
  if (found === undefined) throw new Error(`no tracepoint ${event}`);
  return found;
}

/** From which era on each text of the events of fscache and cachefiles holds. */
const FSCACHE: Readonly<Record<string, Era>> = { F1: 'E0', F2: 'E2', F3: 'E3' };
// What was collected as C3 was read from a tree of v7.1, where inode numbers have 64 bits.
const CACHEFILES: Readonly<Record<string, Era>> = {
  C1: 'E0',
  C2: 'E2',
  C3: 'E10',
  C4: 'E13',
};

const formatsIn = (event: string, era: Era) =>
  named(event)
    .variants(era)
    .map(({ format }) => format);

for (const era of ERAS) {
  test(`the netfs events of ${era} have the kernel's formats, and no others exist`, (t) => {
    const { events } = FORMATS.eras[era];
    for (const { event, format } of events) t.deepEqual(formatsIn(event, era), [format], event);
    const here = (TRACEPOINTS as readonly AnyTracepoint[]).filter(
      ({ system, name, format }) =>
        system === 'netfs' && name !== 'netfs_truncate' && format(era) !== null,
    );
    t.deepEqual(here.map(({ name }) => name).sort(), events.map(({ event }) => event).sort());
  });

  test(`a made-up line of each netfs event of ${era} is read and printed back`, (t) => {
    for (const [event, text] of syntheticLines(era)) {
      const row = named(event).parse(text, era);
      t.is(row && named(event).print(row, era), text);
    }
  });

  test(`the words of ${era} are the kernel's, in its order`, (t) => {
    const tables: readonly Symbols[] = [...Object.values(netfs), ...Object.values(write)];
    for (const table of tables) {
      // The engine has two names for one word from v5.18 to v6.7, the second at the end.
      const words = table.labels(era).map(({ printed }) => printed);
      if (table === netfs.netfsFailures && era === 'E3') t.is(words.pop(), 'short-read');
      t.deepEqual(words, [...(FORMATS.eras[era].symbols[table.name] ?? [])], table.name);
    }
  });

  test(`the flag bits of ${era} have the kernel's names`, (t) => {
    for (const [set, prefix] of [
      ['rreq', 'NETFS_RREQ'],
      ['sreq', 'NETFS_SREQ'],
    ] as const) {
      const bits = Object.entries(FORMATS.eras[era].flags[prefix] ?? {});
      for (const [name, bit] of bits) t.deepEqual(flagNames(era, set, 2 ** bit), [name]);
      const unnamed = flagNames(era, set, 0xffff_ffff).filter((name) => name.startsWith('bit'));
      t.is(unnamed.length, 32 - bits.length);
    }
  });

  test(`the statistics of ${era} have the kernel's lines`, (t) => {
    const lines = statLines(era).map(
      ({ label, keys }) => `${label.padEnd(7)}: ${keys.map(([key]) => `${key}=%u`).join(' ')}`,
    );
    t.deepEqual(lines, [...FORMATS.eras[era].stats]);
  });
}

const GROUPS: readonly (readonly [FormatGroup, readonly Symbols[], Era])[] = [
  ...FORMATS.fscache.map(
    (group) => [group, Object.values(fscache), FSCACHE[group.era] as Era] as const,
  ),
  ...FORMATS.cachefiles.map(
    (group) => [group, Object.values(cachefiles), CACHEFILES[group.era] as Era] as const,
  ),
];

for (const [group, tables, era] of GROUPS) {
  test(`the events of text ${group.era} have the kernel's formats and words`, (t) => {
    for (const { event, format } of group.events) {
      // v5.17 and v6.1 print the subrequest; what was collected for this text is younger.
      if (GATHERED.test(event) || (event === 'cachefiles_prep_read' && era === 'E2')) continue;
      t.true(formatsIn(event, era).includes(format), `${event} in ${era}`);
    }
    for (const table of tables) {
      const words = table.labels(era).map(({ printed }) => printed);
      const known = group.symbols[table.name];
      // Stable kernels have words that the collection lacks.
      if (known !== undefined) t.deepEqual(words.slice(0, known.length), [...known], table.name);
    }
  });
}

for (const [release, era] of [
  ['6.1', 'E3'],
  ['6.12', 'E6'],
  ['6.18', 'E8'],
  ['7.3', 'E12'],
] as const) {
  test(`the events of a Linux ${release} kernel are defined as the kernel says`, (t) => {
    const formats = FORMATS.kernels[release] ?? {};
    let compared = 0;
    for (const event of TRACEPOINTS as readonly AnyTracepoint[]) {
      const format = formats[event.name];
      if (format === undefined || GATHERED.test(event.name)) continue;
      t.true(
        event.variants(era).some((each) => each.format === format),
        `${event.name}: ${format}`,
      );
      compared++;
    }
    t.true(compared > 50);
    for (const [name, format] of Object.entries(formats)) {
      if (/^(netfs|fscache|cachefiles|9p)_/.test(name)) t.truthy(tracepointNamed(name), format);
    }
  });
}

test('lines of real traces are read and printed back byte for byte', (t) => {
  const seen = new Set<string>();
  for (const [era, event, text] of REAL_LINES) {
    const tracepoint = tracepointNamed(event);
    if (tracepoint === undefined) continue;
    const row = tracepoint.parse(text, era);
    t.is(row && tracepoint.print(row, era), text);
    for (const [i, { symbols, name }] of tracepoint.columns.entries()) {
      const value = row?.[i];
      if (symbols === null || typeof value !== 'string') continue;
      t.not(symbols.find(era, value), undefined, `${event}.${name} ${value}`);
    }
    seen.add(event);
  }
  t.true(seen.size > 80);
});
