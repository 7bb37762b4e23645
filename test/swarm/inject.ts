/**
 * Faults that a run injects: a server and a backing filesystem that fail the next calls of a kind,
 * answer late or in part, and a process that ends in the middle of a change.
 */
import { ErrnoError } from '../../src/core/base/errors.js';
import type { Backing, IoDone, IoDriver, OpenHow, SegmentList } from '../../src/core/io/types.js';
import type { Server, ServerFile, StoreSource } from '../../src/core/server/types.js';
import { firstBytes } from '../helpers/bad_server.js';
import { forward } from '../helpers/forward_server.js';

/** The process has ended, or the machine lost power, inside whatever was being done. */
export class PowerLost extends Error {}

/** Calls of the server that can be made to fail. */
export const SERVER_CALLS = [
  'open',
  'fetch',
  'store',
  'setSize',
  'sync',
  'getStatus',
  'makeWritable',
] as const;
/** Calls that change a backing filesystem. */
const CHANGES = [
  'truncate',
  'punch',
  'setXattr',
  'remove',
  'rename',
  'writeAt',
  'writeDurably',
  'sync',
  'syncNow',
  'makeDirectory',
  'removeDirectory',
] as const satisfies readonly (keyof Backing)[];
/** Calls of the backing filesystem, or of its driver, that can. */
export const DEVICE_CALLS = [
  ...CHANGES,
  'open',
  'getXattr',
  'readWhole',
  'seekData',
  'seekHole',
  'read',
  'write',
] as const satisfies readonly (keyof Backing | keyof IoDriver)[];

type ServerCall = (typeof SERVER_CALLS)[number];
type DeviceCall = (typeof DEVICE_CALLS)[number];

/** What is wrong with the next calls. */
interface Wrong {
  /** Calls that still work, then calls that do not. */
  skip: number;
  left: number;
  readonly errno: number;
  /** Bytes that are moved all the same. */
  readonly most?: number;
}

/** What the world wants to hear of. */
interface Listener {
  opened(file: ServerFile): void;
  closed(file: ServerFile): void;
  /** A change that the client asked for was not made, or in part. */
  lost(file: ServerFile): void;
  after(ns: number, fn: () => void): void;
}

/** The faults of one world. */
export class Faults {
  readonly #server = new Map<ServerCall, Wrong>();
  readonly #device = new Map<DeviceCall, Wrong>();
  /** Changes until the process ends. */
  #cutIn = Number.POSITIVE_INFINITY;
  isCut = false;
  /** The next file cannot be made, which the server throws. */
  failCreate = false;
  /** Answers of the server take so much longer, ns. */
  #delay = 0;
  /** Descriptors of the backing filesystem that are open, and of which file. */
  readonly descriptors = new Map<number, string>();

  reset(): void {
    this.#server.clear();
    this.#device.clear();
    this.#cutIn = Number.POSITIVE_INFINITY;
    this.isCut = this.failCreate = false;
    this.#delay = 0;
    this.descriptors.clear();
  }

  failServer(call: ServerCall, wrong: Wrong): void {
    this.#server.set(call, wrong);
  }

  failDevice(call: DeviceCall, wrong: Wrong): void {
    this.#device.set(call, wrong);
  }

  /** The process ends when it makes its `changes`-th change from now on. */
  endAfter(changes: number): void {
    this.#cutIn = changes;
  }

  delay(ns: number): void {
    this.#delay = ns;
  }

  /** A server that has these faults. */
  server(server: Server, listener: Listener): Server {
    const late = (fn: () => void): void => {
      if (this.#delay > 0) listener.after(this.#delay, fn);
      else fn();
    };
    const opened = <T extends ReturnType<Server['open']>>(file: T): T => {
      if (!('errno' in file)) listener.opened(file as ServerFile);
      return file;
    };
    return forward(server, {
      open: (name) => {
        const wrong = this.#take(this.#server, 'open');
        return wrong === undefined ? opened(server.open(name)) : { errno: wrong.errno };
      },
      create: (name) => {
        this.#change();
        if (this.failCreate) {
          this.failCreate = false;
          throw new ErrnoError('EMFILE', 'mkdtemp', name);
        }
        return opened(server.create(name));
      },
      close: (file) => {
        listener.closed(file);
        server.close(file);
      },
      makeWritable: (file) => {
        this.#change();
        return this.#take(this.#server, 'makeWritable')?.errno ?? server.makeWritable(file);
      },
      getStatus: (files, done) => {
        const wrong = this.#take(this.#server, 'getStatus');
        late(() => {
          if (wrong === undefined) server.getStatus(files, done);
          else done(files.map(() => wrong.errno));
        });
      },
      fetch: (file, position, into, done) => {
        const wrong = this.#take(this.#server, 'fetch');
        late(() => {
          if (wrong === undefined) server.fetch(file, position, into, done);
          else if (wrong.most === undefined) done({ result: wrong.errno, status: undefined });
          else server.fetch(file, position, firstBytes(into, wrong.most), done);
        });
      },
      store: (file, position, from, size, done) => {
        this.#change();
        const wrong = this.#take(this.#server, 'store');
        if (wrong === undefined) {
          late(() => server.store(file, position, from, size, done));
          return;
        }
        listener.lost(file);
        const failed = { result: wrong.errno, status: undefined, before: '' };
        if (wrong.most === undefined) late(() => done(failed));
        else
          late(() =>
            this.#storePart(server, file, position, from, wrong.most as number, () => done(failed)),
          );
      },
      setSize: (file, size, done) => {
        this.#change();
        const wrong = this.#take(this.#server, 'setSize');
        if (wrong === undefined) late(() => server.setSize(file, size, done));
        else {
          listener.lost(file);
          done({ result: wrong.errno, status: undefined, before: '' });
        }
      },
      sync: (file, done) => {
        this.#change();
        const wrong = this.#take(this.#server, 'sync');
        if (wrong === undefined) server.sync(file, done);
        else done(wrong.errno);
      },
    });
  }

  /** A backing filesystem that has these faults. */
  backing(backing: Backing): Backing {
    const driver = this.#driver(backing.driver);
    return new Proxy(backing, {
      get: (target, name) => {
        if (name === 'driver') return driver;
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const known = (DEVICE_CALLS as readonly string[]).includes(name as string);
          const creates = name === 'open' && (args[1] as OpenHow).create;
          const changes = (CHANGES as readonly string[]).includes(name as string);
          if (creates || changes) this.#change();
          const wrong = known ? this.#take(this.#device, name as DeviceCall) : undefined;
          if (wrong !== undefined && name === 'sync') {
            (args[2] as IoDone)(wrong.errno);
            return undefined;
          }
          if (wrong?.most !== undefined && name === 'writeAt') {
            const [file, data, position] = args as Parameters<Backing['writeAt']>;
            target.writeAt(file, data.subarray(0, wrong.most), position);
          }
          const result = wrong?.errno ?? (value.apply(target, args) as unknown);
          if (name === 'open' && (result as number) >= 0) {
            this.descriptors.set(result as number, args[0] as string);
          }
          if (name === 'close') this.descriptors.delete(args[0] as number);
          return result;
        };
      },
    });
  }

  #driver(driver: IoDriver): IoDriver {
    return {
      name: driver.name,
      read: (fd, into, position, done, copied) => {
        const wrong = this.#take(this.#device, 'read');
        if (wrong === undefined) driver.read(fd, into, position, done, copied);
        else done(wrong.errno);
      },
      write: (fd, from, position, done) => {
        this.#change();
        const wrong = this.#take(this.#device, 'write');
        if (wrong === undefined) driver.write(fd, from, position, done);
        else if (wrong.most === undefined) done(wrong.errno);
        else driver.write(fd, shortened(from, wrong.most), position, () => done(wrong.errno));
      },
      close: () => driver.close(),
    };
  }

  #storePart(
    server: Server,
    file: ServerFile,
    position: number,
    from: StoreSource,
    most: number,
    done: () => void,
  ): void {
    const part = firstBytes(from, most);
    let left = part.count;
    const source: StoreSource = {
      get count() {
        return left;
      },
      segments: (list) => part.segments(list),
      // The sync driver takes all of it at once.
      advance: (bytes) => {
        left -= bytes;
      },
    };
    server.store(file, position, source, position + left, done);
  }

  #take<C>(faults: Map<C, Wrong>, call: C): Wrong | undefined {
    const wrong = faults.get(call);
    if (wrong === undefined || wrong.left <= 0 || wrong.skip-- > 0) return undefined;
    if (--wrong.left <= 0) faults.delete(call);
    return wrong;
  }

  // Something durable is about to be done; nothing is, once the process has ended.
  #change(): void {
    if (!this.isCut && --this.#cutIn >= 0) return;
    this.isCut = true;
    throw new PowerLost('the process has ended');
  }
}

function shortened(list: SegmentList, most: number): SegmentList {
  const segments = [];
  let left = most;
  for (const { memory, offset, length } of list.segments.slice(0, list.count)) {
    if (left === 0) break;
    segments.push({ memory, offset, length: Math.min(length, left) });
    left -= Math.min(length, left);
  }
  return { count: segments.length, segments };
}
