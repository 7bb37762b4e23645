/**
 * A kernel that nobody knows, made of a real one: every label renamed, three events and two fields
 * added, in its format files and in a trace of it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { formatFiles } from './formats.js';
import { ROOT } from './source.js';

/** The kernel: a trace of it as ftrace prints it, its format files, its new events. */
export interface ImaginaryKernel {
  readonly text: string;
  readonly formats: readonly {
    readonly system: string;
    readonly name: string;
    readonly text: string;
  }[];
  /** How often each new event is in the trace. */
  readonly events: Readonly<Record<'netfs_zebra' | 'netfs_yak' | 'netfs_xerus', number>>;
}

const FAMILY = /^(netfs|fscache|cachefiles)$/;
const LABEL = /(\{ (?:\d+|\w+), ")([^"]*)(" \})/g;

/** The word turned around behind an X, with the padding it had. */
function renamed(word: string): string {
  const own = [...word.trim()].reverse().join('').toLowerCase().replaceAll(' ', '/');
  return `X${own}`.padEnd(word.length + 1);
}

const COMMON = `	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;
`;

function made(name: string, id: number, fields: string, print: string) {
  const text = `name: ${name}\nID: ${id}\nformat:\n${COMMON}\n${fields}\nprint fmt: ${print}\n`;
  return { system: 'netfs', name, text };
}

const NUMBER = '	field:unsigned int rreq;	offset:8;	size:4;	signed:0;\n';
const ADDED = [
  made(
    'netfs_zebra',
    9001,
    `${NUMBER}	field:unsigned char k;	offset:12;	size:1;	signed:0;\n`,
    '"R=%08x k=%s", REC->rreq, __print_symbolic(REC->k, { 0, "STRIPE" }, { 1, "PLAIN " })',
  ),
  made(
    'netfs_yak',
    9002,
    `${NUMBER}	field:long long delta;	offset:16;	size:8;	signed:1;\n`,
    '"R=%08x d=%lld", REC->rreq, REC->delta',
  ),
  made(
    'netfs_xerus',
    9003,
    '	field:unsigned int id;	offset:8;	size:4;	signed:0;\n	field:unsigned int fl;	offset:12;	size:4;	signed:0;\n',
    '"id=%u fl=%s.", REC->id, __print_flags(REC->fl, "|", { 1, "A" }, { 2, "B" })',
  ),
];

/** A format file with a field more; `from` to `to` is what changes of its print format. */
function widened(text: string, field: string, from: RegExp, to: string): string {
  return text
    .replace('\n\nprint fmt', `\n	field:${field};	offset:80;	size:8;	signed:0;\n\nprint fmt`)
    .replace(from, to);
}

/** The kernel, made of Linux 7.3. */
export function imaginaryKernel(): ImaginaryKernel {
  const formats = formatFiles('7.3').map(({ system, name, text }) => {
    let own = FAMILY.test(system)
      ? text.replace(LABEL, (_, a, word, b) => a + renamed(word) + b)
      : text;
    if (name === 'netfs_rreq_ref') {
      own = widened(own, 'unsigned long long zone', /r=%u"(.*)$/m, 'r=%u zz=%llx"$1, REC->zone');
    }
    if (name === 'netfs_read') {
      const mood = '__print_symbolic(REC->mood, { 0, "calm" }, { 1, "cross " })';
      own = widened(own, 'unsigned long long mood', / c=%08x/, ' mood=%s c=%08x').replace(
        ', REC->cookie',
        `, ${mood}, REC->cookie`,
      );
    }
    return { system, name, text: own };
  });
  const events = { netfs_zebra: 0, netfs_yak: 0, netfs_xerus: 0 };
  const lines = real().flatMap((line, n) => {
    const [, front = '', event = '', text = ''] = /^(.{16}-\d+ .*?: )(\w+): (.*)$/.exec(line) ?? [];
    if (!/^(netfs|fscache|cachefiles)_/.test(event)) return [line];
    const own = `${front}${event}: ${inOwnWords(event, text, n)}`;
    if (n % 10 !== 0) return [own];
    events.netfs_zebra++;
    events.netfs_yak++;
    events.netfs_xerus++;
    return [
      own,
      `${front}netfs_zebra: R=00000001 k=${n % 20 === 0 ? 'STRIPE' : 'PLAIN '}`,
      `${front}netfs_yak: R=00000001 d=${-n * 1e9}`,
      `${front}netfs_xerus: id=${n} fl=${n % 20 === 0 ? 'A|B' : ''}.`,
    ];
  });
  return { text: lines.join('\n'), formats: [...formats, ...ADDED], events };
}

function real(): string[] {
  const path = join(ROOT, 'traces/linux-7.3/odd-size-cold.txt.gz');
  return gunzipSync(readFileSync(path)).toString().split('\n');
}

const words = new Map<string, RegExp>();

function inOwnWords(event: string, text: string, n: number): string {
  let own = text.replace(
    wordsOf(event),
    (_, before: string, word: string) => before + renamed(word),
  );
  if (event === 'netfs_rreq_ref') own += ` zz=${(n * 2 ** 46).toString(16)}`;
  if (event === 'netfs_read') own = own.replace(' c=', ` mood=${n % 7 < 6 ? 'calm' : 'cross '} c=`);
  return own;
}

/** The labels of an event, longest first, where one may stand. */
function wordsOf(event: string): RegExp {
  let found = words.get(event);
  if (found === undefined) {
    const format = formatFiles('7.3').find(({ name }) => name === event)?.text ?? '';
    const labels = [...new Set([...format.matchAll(LABEL)].map(([, , word]) => word as string))];
    const any = labels
      .sort((a, b) => b.length - a.length)
      .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('|');
    found = any === '' ? /(?!)()()/ : new RegExp(`([ \\]])(${any})(?= |$)`, 'g');
    words.set(event, found);
  }
  return found;
}
