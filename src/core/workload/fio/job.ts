/**
 * What a fio job is told: its options, read from the text of a job file. Names of files and the
 * course of time are `files.ts` and `run`'s affair.
 */
import { TraceParseError } from '../../base/errors.js';
import { closest } from '../../base/suggest.js';
import type { Distribution, Zone } from './distributions.js';
import { ALIASES, ENGINES, IGNORED, isOff, PLAYED, REFUSED } from './options.js';
import type { RawJob, RawOption } from './parse.js';
import {
  BadValue,
  type PerDirection,
  parseBoolean,
  parseFloatValue,
  parseInteger,
  parseRange,
  parseSizeValue,
  parseSplit,
  parseTime,
  perDirection,
  type SizeValue,
  type SplitPart,
  type ValueRules,
} from './values.js';

/** How data is checked. */
export interface VerifySpec {
  readonly method: VerifyMethod;
  /** Bytes of `verify_pattern`; empty: none. */
  readonly pattern: Uint8Array;
  /** Positions in the pattern that hold the offset of the block (`%o`), 8 bytes each. */
  readonly offsets: readonly number[];
}

/** Methods of `verify`. */
export type VerifyMethod = (typeof VERIFY_METHODS)[number];

const VERIFY_METHODS = [
  ...(['md5', 'crc32', 'crc32c', 'sha1', 'sha256', 'sha512', 'sha3-224', 'sha3-256'] as const),
  ...(['sha3-384', 'sha3-512', 'pattern', 'null', 'meta'] as const),
] as const;

/** Sizes of blocks: all alike, drawn from a range, or from a list. */
export interface BlockSizes {
  readonly min: number;
  readonly max: number;
  readonly split: readonly SplitPart[];
}

/** A job as its options have it; each clone of `numjobs` is one run of it. */
export interface FioJob {
  /** As it is reported. */
  readonly name: string;
  /** Name of its section, after which its files are named. */
  readonly section: string;
  /** Counts from 0: jobs between two barriers are of one. */
  readonly group: number;
  /** Waits until all jobs before it have ended. */
  readonly stonewall: boolean;
  readonly waitFor: string | undefined;
  readonly numjobs: number;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly random: boolean;
  /** `rw=read:N`: bytes that are passed over behind each operation; may be negative. */
  readonly skip: number;
  /** `rw=randread:N`: operations in a row from each random place. */
  readonly inARow: number;
  /** The others of them go on from there, or do the same again. */
  readonly sequencer: 'sequential' | 'identical';
  readonly rwMixRead: number;
  readonly bs: PerDirection<BlockSizes>;
  readonly blockAlign: PerDirection<number>;
  readonly bsUnaligned: boolean;
  /** The first block size is for sequential, the second for random operations. */
  readonly bsIsSeqRand: boolean;
  readonly size: SizeValue | undefined;
  readonly ioSize: SizeValue | undefined;
  /** Of each file; undefined: `size` shared among them. */
  readonly fileSize: { readonly min: number; readonly max: number } | undefined;
  readonly offset: SizeValue;
  readonly offsetIncrement: SizeValue;
  /** 0: no limit. */
  readonly numberIos: number;
  readonly loops: number;
  /** Nanoseconds; undefined: no limit. */
  readonly runtime: number | undefined;
  readonly timeBased: boolean;
  readonly rampTime: number;
  readonly startDelay: number;
  readonly iodepth: number;
  readonly mapping: boolean;
  readonly engine: string;
  readonly direct: boolean;
  readonly overwrite: boolean;
  readonly invalidate: boolean;
  readonly preRead: boolean;
  readonly createOnOpen: boolean;
  readonly createOnly: boolean;
  /** fsync after so many writes; 0: not. `sync` writes each durably. */
  readonly fsync: number;
  readonly fdatasync: number;
  readonly sync: boolean;
  readonly endFsync: boolean;
  readonly fsyncOnClose: boolean;
  readonly distribution: Distribution;
  /** Percent of the operations of a random job that are random. */
  readonly percentageRandom: PerDirection<number>;
  readonly randomMap: boolean;
  readonly randSeed: number | undefined;
  /** Bytes per second and operations per second; 0: no limit. */
  readonly rate: PerDirection<number>;
  readonly rateIops: PerDirection<number>;
  /** Nanoseconds after every `thinkBlocks` operations. */
  readonly thinkTime: number;
  readonly thinkBlocks: number;
  readonly fadvise: 'normal' | 'random' | 'sequential' | 'noreuse' | undefined;
  readonly verify: VerifySpec | undefined;
  readonly doVerify: boolean;
  readonly fileNames: readonly string[];
  readonly directories: readonly string[];
  readonly fileFormat: string;
  readonly nrFiles: number;
  readonly fileService: 'roundrobin' | 'sequential' | 'random';
  /** Operations on a file before the next one's turn. */
  readonly fileServiceCount: number;
  readonly readIolog: string | undefined;
  readonly writeIolog: string | undefined;
  readonly replayNoStall: boolean;
  readonly replayTimeScale: number;
  readonly groupReporting: boolean;
  readonly exitAll: boolean;
  readonly ignoreFatal: boolean;
  /** The options as given, for the report. */
  readonly given: Readonly<Record<string, string>>;
}

/** What became of a job file. */
export interface FioPlan {
  readonly jobs: readonly FioJob[];
  /** Options without effect here, once each, with where they stand first. */
  readonly ignored: readonly {
    readonly name: string;
    readonly reason: string;
    readonly line: number;
  }[];
  /** Variables that the environment has not and that are therefore empty, once for each place. */
  readonly unset: readonly {
    readonly variable: string;
    readonly option: string;
    readonly file: string;
    readonly line: number;
  }[];
}

/** Reads the options of all jobs. Throws a `TraceParseError` at the first that cannot be played. */
export function planJobs(jobs: readonly RawJob[]): FioPlan {
  const ignored = new Map<string, { name: string; reason: string; line: number }>();
  const planned: FioJob[] = [];
  let group = 0;
  let inGroup = 0;
  for (const job of jobs) {
    const reader = new JobReader(job, (name, line) => {
      if (!ignored.has(name)) ignored.set(name, { name, reason: IGNORED[name] as string, line });
    });
    if ((reader.flag('stonewall') || reader.flag('new_group')) && inGroup > 0) {
      group++;
      inGroup = 0;
    }
    inGroup++;
    planned.push(reader.plan(group, new Set(planned.map(({ name }) => name))));
  }
  return { jobs: planned, ignored: [...ignored.values()], unset: unsetOf(jobs) };
}

function unsetOf(jobs: readonly RawJob[]): FioPlan['unset'] {
  const places = new Map<string, FioPlan['unset'][number]>();
  for (const { name, unset, file, line } of jobs.flatMap(({ options }) => options)) {
    if (unset === undefined) continue;
    places.set(`${file}:${line}`, { variable: unset, option: name, file, line });
  }
  return [...places.values()];
}

const DIRECTIONS: Readonly<
  Record<string, readonly [reads: boolean, writes: boolean, random: boolean]>
> = {
  read: [true, false, false],
  write: [false, true, false],
  randread: [true, false, true],
  randwrite: [false, true, true],
  rw: [true, true, false],
  readwrite: [true, true, false],
  randrw: [true, true, true],
};

const BLOCK = 4096;

class JobReader {
  readonly #job: RawJob;
  readonly #options = new Map<string, RawOption>();
  #rules: ValueRules = { kbBase: 1024 };

  constructor(job: RawJob, ignored: (name: string, line: number) => void) {
    this.#job = job;
    // The engine first: one that is not played has options of its own, which no table names.
    const engine = job.options.findLast(({ name }) => name === 'ioengine');
    if (engine !== undefined) this.#options.set('ioengine', engine);
    this.#engine();
    for (const option of job.options) this.#take(option, ignored);
    const base = this.#read('kb_base', (text) => Number(text));
    if (base !== undefined && base !== 1000 && base !== 1024) this.#fail('kb_base', '1000 or 1024');
    this.#rules = { kbBase: base ?? 1024 };
  }

  /** True for a switch that is on. */
  flag(name: string, otherwise = false): boolean {
    const option = this.#options.get(name);
    if (option === undefined) return otherwise;
    return this.#value(name, () => parseBoolean(option.value)) as boolean;
  }

  /** The job; `earlier` are the names of those before it, the only ones it can wait for. */
  plan(group: number, earlier: ReadonlySet<string>): FioJob {
    const direction = this.#direction();
    const { reads, writes, random } = direction;
    const engine = this.#engine();
    const runtime = this.#time('runtime', 1e9);
    if (this.flag('time_based') && runtime === undefined)
      this.#fail('time_based', 'a runtime beside it');
    return {
      name: this.#ownName() ?? this.#job.name,
      section: this.#job.name,
      group,
      stonewall: this.flag('stonewall'),
      waitFor: this.#waitee(earlier),
      numjobs: this.#count('numjobs', 1, 1, 4096),
      ...direction,
      sequencer: this.#word('rw_sequencer', ['sequential', 'identical']),
      ...this.#blocks(),
      ...this.#extent(),
      ...this.#course(runtime),
      ...engine,
      direct: this.#options.has('buffered') ? !this.flag('buffered', true) : this.flag('direct'),
      overwrite: this.flag('overwrite'),
      invalidate: this.flag('invalidate', true),
      preRead: this.flag('pre_read'),
      createOnOpen: this.flag('create_on_open'),
      createOnly: this.flag('create_only'),
      fsync: this.#count('fsync', 0),
      fdatasync: this.#count('fdatasync', 0),
      sync: !['0', 'none', undefined].includes(this.#syncWord()),
      endFsync: this.flag('end_fsync'),
      fsyncOnClose: this.flag('fsync_on_close'),
      ...this.#chance(random),
      rate: this.#pair('rate', 0),
      rateIops: this.#pair('rate_iops', 0),
      thinkTime: this.#time('thinktime', 1e3) ?? 0,
      thinkBlocks: this.#count('thinktime_blocks', 1, 1),
      fadvise: this.#advice(random),
      verify: this.#verify(),
      doVerify: this.flag('do_verify', true) && writes && !(reads && !writes),
      ...this.#files(),
      readIolog: this.#text('read_iolog'),
      writeIolog: this.#text('write_iolog'),
      replayNoStall: this.flag('replay_no_stall'),
      replayTimeScale: this.#count('replay_time_scale', 100, 1),
      groupReporting: this.flag('group_reporting'),
      exitAll: this.flag('exitall'),
      ignoreFatal: !this.flag('verify_fatal'),
      given: Object.fromEntries(
        [...this.#options].map(([name, { value }]) => [name, value ?? '1']),
      ),
    };
  }

  /** As in fio, whose jobs wait for those that stand before them: no two wait for each other. */
  #waitee(earlier: ReadonlySet<string>): string | undefined {
    const name = this.#text('wait_for');
    if (name !== undefined && !earlier.has(name))
      this.#fail('wait_for', 'the name of an earlier job');
    return name;
  }

  // A name among the globals names no job: the section does.
  #ownName(): string | undefined {
    const { options, inherited } = this.#job;
    return options.slice(inherited).findLast(({ name }) => name === 'name')?.value;
  }

  #take(option: RawOption, ignored: (name: string, line: number) => void): void {
    const name = Object.hasOwn(ALIASES, option.name)
      ? (ALIASES[option.name] as string)
      : option.name;
    if ((PLAYED as readonly string[]).includes(name)) {
      // A list of files grows no longer once it is given again; the last one counts, as in fio.
      this.#options.set(name, option);
    } else if (Object.hasOwn(IGNORED, name)) ignored(name, option.line);
    else if (Object.hasOwn(REFUSED, name)) {
      if (isOff(name, option.value)) return;
      const text = `no option '${option.name}': ${REFUSED[name]}, and it is not supported`;
      throw place(option, text, option.value ?? option.name);
    } else {
      const near = closest(option.name, [
        ...PLAYED,
        ...Object.keys(IGNORED),
        ...Object.keys(ALIASES),
      ]);
      const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
      throw place(option, `an option of fio${hint}`, option.name);
    }
  }

  #direction() {
    const given = this.#text('rw') ?? 'read';
    const [word = '', argument] = given.split(':');
    const found = Object.hasOwn(DIRECTIONS, word) ? DIRECTIONS[word] : undefined;
    if (found === undefined) {
      const trims = /trim/.test(word) ? ' (there is nothing to trim on a network file)' : '';
      return this.#fail('rw', `one of ${Object.keys(DIRECTIONS).join(', ')}${trims}`);
    }
    const [reads, writes, random] = found;
    const amount =
      argument === undefined
        ? 0
        : (this.#value('rw', () => parseInteger(argument, this.#rules)) as number);
    const mix = this.#options.has('rwmixwrite')
      ? 100 - this.#count('rwmixwrite', 50, 0, 100)
      : this.#count('rwmixread', 50, 0, 100);
    return {
      reads,
      writes,
      random,
      skip: random ? 0 : amount,
      inARow: random ? Math.max(1, amount) : 1,
      rwMixRead: mix,
    };
  }

  #blocks() {
    const rules = this.#rules;
    const usual: BlockSizes = { min: BLOCK, max: BLOCK, split: [] };
    const both = { read: usual, write: usual };
    const fixed = (text: string): BlockSizes => {
      const size = parseInteger(text, rules);
      if (size < 1) throw new BadValue('at least 1 byte');
      return { min: size, max: size, split: [] };
    };
    const range = (text: string): BlockSizes => ({ ...parseRange(text, rules), split: [] });
    const list = (text: string): BlockSizes => {
      const split = parseSplit(text, rules);
      if (split.length === 0) throw new BadValue('at least one size');
      const sizes = split.map(({ bytes }) => bytes);
      return { min: Math.min(...sizes), max: Math.max(...sizes), split };
    };
    let bs = this.#read('bs', (text) => perDirection(text, fixed, both)) ?? both;
    bs = this.#read('bsrange', (text) => perDirection(text.replaceAll('/', ','), range, bs)) ?? bs;
    bs = this.#read('bssplit', (text) => perDirection(text, list, bs)) ?? bs;
    for (const { min } of [bs.read, bs.write])
      if (min < 1) this.#fail('bsrange', 'at least 1 byte');
    const minimal = { read: bs.read.min, write: bs.write.min };
    const align = (text: string) => parseInteger(text, rules);
    const blockAlign = this.#read('ba', (text) => perDirection(text, align, minimal)) ?? minimal;
    const flags = {
      bsUnaligned: this.flag('bs_unaligned'),
      bsIsSeqRand: this.flag('bs_is_seq_rand'),
    };
    return { bs, blockAlign, ...flags };
  }

  #extent() {
    const size = (name: string) => this.#read(name, (text) => parseSizeValue(text, this.#rules));
    const zero = { bytes: 0 };
    const fileSize = this.#read('filesize', (text) => parseRange(text, this.#rules));
    return {
      size: size('size'),
      ioSize: size('io_size'),
      fileSize,
      offset: size('offset') ?? zero,
      offsetIncrement: size('offset_increment') ?? zero,
      numberIos: this.#count('number_ios', 0),
    };
  }

  #course(runtime: number | undefined) {
    return {
      loops: this.#count('loops', 1, 1),
      runtime: runtime === 0 ? undefined : runtime,
      timeBased: this.flag('time_based'),
      rampTime: this.#time('ramp_time', 1e9) ?? 0,
      startDelay: this.#startDelay(),
    };
  }

  // `startdelay=2s-4s` is a range, of which the beginning is taken: no chance is left in it.
  #startDelay(): number {
    return this.#read('startdelay', (text) => parseTime(text.split('-')[0] as string, 1e9)) ?? 0;
  }

  #engine() {
    const given = this.#text('ioengine') ?? 'psync';
    const name = given.split(':')[0] as string;
    const found = Object.hasOwn(ENGINES, name) ? ENGINES[name] : undefined;
    if (found === undefined) {
      this.#fail(
        'ioengine',
        `an engine that reads and writes files (${Object.keys(ENGINES).join(', ')})`,
      );
    }
    const iodepth = this.#count('iodepth', 1, 1, 65_536);
    return { engine: name, mapping: found === 'mapping', iodepth: found === 'many' ? iodepth : 1 };
  }

  #syncWord(): string | undefined {
    const option = this.#options.get('sync');
    return option === undefined ? undefined : (option.value ?? '1');
  }

  #chance(random: boolean) {
    const distribution = this.#read('random_distribution', (text) => this.#distribution(text));
    const percent = (text: string): number => {
      const value = parseInteger(text, this.#rules);
      if (value < 0 || value > 100) throw new BadValue('percent from 0 to 100');
      return value;
    };
    const all = { read: 100, write: 100 };
    const kind = distribution?.kind ?? 'random';
    return {
      distribution: distribution ?? ({ kind: 'random' } as const),
      percentageRandom:
        this.#read('percentage_random', (text) => perDirection(text, percent, all)) ?? all,
      // A skewed distribution comes back to its blocks: fio keeps no map of them.
      randomMap:
        random && !this.flag('norandommap') && (kind === 'random' || kind.startsWith('zoned')),
      randSeed: this.#read('randseed', (text) => parseInteger(text, this.#rules)),
    };
  }

  #distribution(text: string): Distribution {
    const [kind = '', ...rest] = text.split(':');
    const [first, second] = rest;
    const skewed = kind === 'zipf' || kind === 'pareto' || kind === 'normal';
    const center = second === undefined || !skewed ? undefined : parseFloatValue(second);
    const number = (otherwise: number): number =>
      first === undefined || first === '' ? otherwise : parseFloatValue(first);
    if (kind === 'random') return { kind };
    if (kind === 'zipf') {
      const theta = number(1.1);
      if (theta <= 0 || theta === 1) throw new BadValue('a theta above 0 other than 1');
      return { kind, theta, center };
    }
    if (kind === 'pareto') {
      const h = number(0.2);
      if (!(h > 0 && h < 1)) throw new BadValue('an h between 0 and 1');
      return { kind, h, center };
    }
    if (kind === 'normal') {
      const deviation = number(0);
      if (!(deviation >= 0 && deviation <= 100)) throw new BadValue('a deviation from 0 to 100');
      return { kind, deviation, center };
    }
    if (kind === 'zoned' || kind === 'zoned_abs') {
      const zones = rest
        .join(':')
        .split(',')[0]!
        .split(':')
        .map((part) => this.#zone(part, kind));
      const accesses = zones.reduce((sum, zone) => sum + zone.accesses, 0);
      if (accesses > 100) throw new BadValue('accesses that add up to 100 percent');
      return { kind, zones: fillZones(zones, kind) };
    }
    throw new BadValue('random, zipf:THETA, pareto:H, normal:DEVIATION or zoned:ACCESSES/SIZE:...');
  }

  #zone(part: string, kind: string): Zone {
    const [accesses = '', size = ''] = part.split('/');
    const value = accesses.trim() === '' ? Number.NaN : parseFloatValue(accesses);
    const extent =
      kind === 'zoned_abs'
        ? parseInteger(size || '0', this.#rules)
        : size.trim() === ''
          ? Number.NaN
          : parseFloatValue(size);
    return { accesses: value, size: extent };
  }

  #advice(random: boolean): FioJob['fadvise'] {
    const given = this.#options.get('fadvise_hint');
    const word = given === undefined ? '1' : (given.value ?? '1');
    const usual = random ? 'random' : 'sequential';
    const words: Readonly<Record<string, FioJob['fadvise']>> = {
      ...{ 0: undefined, none: undefined, 1: usual, typical: usual, random: 'random' },
      ...{ sequential: 'sequential', noreuse: 'noreuse', normal: 'normal' },
    };
    if (!Object.hasOwn(words, word))
      this.#fail('fadvise_hint', `one of ${Object.keys(words).join(', ')}`);
    return words[word];
  }

  #verify(): VerifySpec | undefined {
    const pattern = this.#read('verify_pattern', parsePattern);
    const given = this.#options.get('verify')?.value ?? (pattern === undefined ? '0' : 'pattern');
    if (given === '0') return undefined;
    const method = given.replace('-intel', '') as VerifyMethod;
    if (!VERIFY_METHODS.includes(method)) {
      this.#fail('verify', `one of ${VERIFY_METHODS.join(', ')}`);
    }
    const none = { bytes: new Uint8Array(0), offsets: [] };
    const { bytes, offsets } = pattern ?? none;
    if (method === 'pattern' && bytes.length === 0)
      this.#fail('verify', 'a verify_pattern beside it');
    return { method, pattern: bytes, offsets };
  }

  #files() {
    const names = this.#text('filename');
    const directory = this.#text('directory');
    const service = (this.#text('file_service_type') ?? 'roundrobin').split(':');
    const words = ['roundrobin', 'sequential', 'random'] as const;
    const fileService = words.find((word) => word === service[0]);
    if (fileService === undefined) this.#fail('file_service_type', `one of ${words.join(', ')}`);
    const fileNames = names === undefined ? [] : splitNames(names);
    return {
      fileNames,
      directories: directory === undefined ? [] : splitNames(directory),
      fileFormat: this.#text('filename_format') ?? '$jobname.$jobnum.$filenum',
      nrFiles: fileNames.length > 0 ? fileNames.length : this.#count('nrfiles', 1, 1, 1 << 20),
      fileService: fileService ?? 'roundrobin',
      fileServiceCount: Math.max(1, Number(service[1] ?? 1) || 1),
    };
  }

  #pair(name: string, otherwise: number): PerDirection<number> {
    const both = { read: otherwise, write: otherwise };
    const parse = (text: string) => parseInteger(text, this.#rules);
    return this.#read(name, (text) => perDirection(text, parse, both)) ?? both;
  }

  #count(name: string, otherwise: number, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.#read(name, (text) => parseInteger(text, this.#rules));
    if (value === undefined) return otherwise;
    if (value < min || value > max) this.#fail(name, `a whole number from ${min} to ${max}`);
    return value;
  }

  #time(name: string, unit: number): number | undefined {
    const value = this.#read(name, (text) => parseTime(text, unit));
    if (value !== undefined && value < 0) this.#fail(name, 'a time that is not negative');
    return value;
  }

  #word<W extends string>(name: string, words: readonly [W, ...W[]]): W {
    const given = this.#text(name);
    if (given === undefined) return words[0];
    return words.find((word) => word === given) ?? this.#fail(name, `one of ${words.join(', ')}`);
  }

  #text(name: string): string | undefined {
    return this.#read(name, (text) => text);
  }

  #read<T>(name: string, parse: (text: string) => T): T | undefined {
    const option = this.#options.get(name);
    if (option === undefined) return undefined;
    if (option.value === undefined || option.value === '') {
      // Without a value an option has its default, as fio takes it, but for the ones that need one.
      if (option.value === '' && option.unset === undefined) return undefined;
      this.#fail(name, 'a value (NAME=VALUE)');
    }
    return this.#value(name, () => parse(option.value as string));
  }

  #value<T>(name: string, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (error instanceof BadValue) this.#fail(name, error.message);
      throw error;
    }
  }

  #fail(name: string, expected: string): never {
    const option = this.#options.get(name);
    const { file, line } = this.#job;
    if (option?.unset !== undefined) {
      const why = `${expected} (the environment has no ${option.unset})`;
      throw place(option, `for ${name} ${why}`, option.written);
    }
    if (option !== undefined) throw place(option, `for ${name} ${expected}`, option.value ?? name);
    throw new TraceParseError(file, line, 1, `for ${name} ${expected}`, this.#job.name);
  }
}

function place({ file, line, column }: RawOption, expected: string, got: string): TraceParseError {
  return new TraceParseError(file, line, column, expected, got.slice(0, 100));
}

// What zones leave open they share.
function fillZones(zones: readonly Zone[], kind: string): Zone[] {
  const share = (of: 'accesses' | 'size'): number => {
    const given = zones.reduce((sum, zone) => sum + (Number.isNaN(zone[of]) ? 0 : zone[of]), 0);
    return (100 - given) / Math.max(1, zones.filter((zone) => Number.isNaN(zone[of])).length);
  };
  const [accesses, size] = [share('accesses'), kind === 'zoned' ? share('size') : 0];
  return zones.map((zone) => ({
    accesses: Number.isNaN(zone.accesses) ? accesses : zone.accesses,
    size: Number.isNaN(zone.size) ? size : zone.size,
  }));
}

// `a:b\:c` are two names.
function splitNames(text: string): string[] {
  const parts = text.match(/(?:\\.|[^:\\])+/g) ?? [];
  return parts.map((part) => part.replaceAll(/\\(.)/g, '$1').trim()).filter((part) => part !== '');
}

// `0xdeadbeef`, `"abcd"`, `-12`, `%o`, or several of them.
function parsePattern(text: string): { bytes: Uint8Array; offsets: readonly number[] } {
  const bytes: number[] = [];
  const offsets: number[] = [];
  for (const found of text.matchAll(/"([^"]*)"|0x([0-9a-fA-F]+)|%o|(-?\d+)|(\S)/g)) {
    const [all, quoted, hex, decimal, other] = found;
    if (other !== undefined) throw new BadValue('0xHEX, "TEXT", a number or %o');
    if (quoted !== undefined) bytes.push(...Buffer.from(quoted));
    else if (hex !== undefined) bytes.push(...Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex'));
    else if (all === '%o') {
      offsets.push(bytes.length);
      bytes.push(0, 0, 0, 0, 0, 0, 0, 0);
    } else {
      // As little-endian bytes, as many as it needs.
      let value = Math.abs(Number(decimal)) % 2 ** 32;
      do {
        bytes.push(value & 255);
        value = Math.floor(value / 256);
      } while (value > 0);
    }
  }
  if (bytes.length === 0 || bytes.length > 512) throw new BadValue('1 to 512 bytes');
  return { bytes: Uint8Array.from(bytes), offsets };
}
