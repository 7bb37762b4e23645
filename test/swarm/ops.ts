/**
 * The operations of the swarm, one row each: how often, the numbers it draws, and how it is played.
 * An operation that makes no sense where it comes (no file in the slot, say) does nothing, so that
 * any part of a plan is a plan.
 */
import fs from 'node:fs';
import type { Prng } from '../../src/core/sim/prng.js';
import type { Task } from '../../src/core/sim/wait_queue.js';
import type { OpenFlags } from '../../src/core/vfs/types.js';
import { DEVICE_CALLS, SERVER_CALLS } from './inject.js';
import { contentAt, type FileModel, MOST } from './model.js';
import type { Op } from './plan.js';
import { Finding, NEW_FILES, negative, type Slot, type World } from './world.js';

/** How one kind of operation is drawn and played. */
export interface OpRow {
  readonly weight: number;
  /** It may go on while others begin. */
  readonly background?: boolean;
  draw?(prng: Prng, files: readonly number[]): Record<string, number | boolean>;
  play(world: World, op: Op): Promise<void>;
}

const SLOTS = 5;
const NS_PER_MS = 1e6;
/** What a cache has stored is durable by then. */
const CHECKPOINT_NS = 1e10;
const STORE_ERRORS = ['ENOSPC', 'EIO', 'EDQUOT', 'EACCES'] as const;
const OTHER_ERRORS = ['EIO', 'EACCES', 'ETIMEDOUT'] as const;
const DEVICE_ERRORS = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES'] as const;

const number = (op: Op, argument: string): number => Number(op[argument] ?? 0);

function place(prng: Prng, files: readonly number[]): Record<string, number> {
  const size = Math.max(...files, 1);
  const position = prng.chance(0.5) ? prng.below(size + 5000) : 4096 * prng.below(size / 4096 + 2);
  const count = prng.chance(0.3)
    ? 4096 * (1 + prng.below(8))
    : prng.below(1 + prng.below(size + 5000));
  return { slot: prng.below(SLOTS), position, count };
}

const anySlot = (prng: Prng): Record<string, number> => ({ slot: prng.below(SLOTS) });
const anyFile = (prng: Prng, files: readonly number[]): Record<string, number> => ({
  slot: prng.below(SLOTS),
  file: prng.below(files.length),
});

function slotOf(world: World, op: Op): Slot | undefined {
  return world.slots.get(number(op, 'slot'));
}

function writable(world: World, op: Op): Slot | undefined {
  const slot = slotOf(world, op);
  return slot?.write === true ? slot : undefined;
}

async function openSlot(world: World, op: Op, name: string, flags: OpenFlags, cut = false) {
  const at = number(op, 'slot');
  closeSlot(world, at);
  const model = world.models.get(name) as FileModel;
  if (!model.exists && flags.create !== true) world.allowed.add('ENOENT');
  if (cut && !(await quiet(world, model))) return;
  // A server that does not answer cannot tell of what has changed since it fell silent.
  const openedAt = world.lab.health.answers ? model.now : Math.min(model.now, model.silentAt);
  const { vfs } = world.lab;
  const change = cut && model.exists ? model.resizing(0) : undefined;
  try {
    const file = await world.run('opener', () =>
      cut ? vfs.openTruncated(name, flags) : vfs.open(name, flags),
    );
    if (change !== undefined) model.ended(change, true);
    if (flags.create === true && !model.exists) {
      model.changedBySomebody(new Uint8Array(0));
      model.local = true;
    }
    closeSlot(world, at);
    world.slots.set(at, { file, model, openedAt, write: flags.write === true, mapped: {} });
  } catch (error) {
    if (change !== undefined) model.ended(change, false);
    throw error;
  }
}

/** Closes what is open there. */
export function closeSlot(world: World, at: number): void {
  const slot = world.slots.get(at);
  if (slot === undefined) return;
  world.slots.delete(at);
  // Whoever still uses the mapping finds nothing there.
  if (world.inFlight.size > 0) world.allowed.add('EFAULT');
  slot.mapped.handle?.munmap();
  slot.file.close();
}

// Waits until nobody changes the file any more: the model knows one change at a time.
async function quiet(world: World, model: FileModel): Promise<boolean> {
  while (model.busy > 0) await model.calm();
  return !world.faults.isCut;
}

// The same for an operation on an open file, which may have been closed by then.
async function quietSlot(world: World, slot: Slot): Promise<boolean> {
  return (await quiet(world, slot.model)) && [...world.slots.values()].includes(slot);
}

async function reading(
  world: World,
  { file, model, openedAt }: Slot,
  op: Op,
  read: (target: Uint8Array) => Task<number>,
): Promise<void> {
  const count = number(op, 'count');
  const position = number(op, 'position');
  const mark = model.mark();
  const target = new Uint8Array(count).fill(255);
  const busy = model.busy > 0;
  const got = await world.run('reader', () => read(target));
  if (!world.isFaithful) return;
  // Pages that are mapped stay, whatever the server says.
  const mapped = [...world.slots.values()].some(
    (slot) => slot.model === model && slot.mapped.handle !== undefined,
  );
  const fresh = world.asksAtOpen && model.foreign && !model.local && !mapped;
  const horizon = fresh ? openedAt : 0;
  const wrong = model.judge(
    busy ? { ...mark, changes: -1 } : mark,
    horizon,
    position,
    count,
    target.subarray(0, got),
    world.allowed.size > 0,
  );
  if (wrong !== undefined) throw new Finding(`read of ${file.path}: ${wrong}`);
}

async function changing(
  world: World,
  slot: Slot,
  begin: () => number,
  body: () => Task<boolean>,
): Promise<void> {
  if (!(await quietSlot(world, slot))) return;
  await change(world, slot.model, begin(), 'writer', body);
}

// Plays a change that the model knows of.
async function change(
  world: World,
  model: FileModel,
  begun: number,
  comm: string,
  body: () => Task<boolean>,
): Promise<void> {
  const { lab } = world;
  let whole = false;
  try {
    whole = await world.run(comm, body);
  } finally {
    // Else the process has ended, and the model knows of nothing that went on in it.
    if (world.lab === lab) model.ended(begun, whole);
  }
}

async function writing(world: World, slot: Slot, position: number, most: number): Promise<void> {
  const { file, model } = slot;
  const count = Math.min(most, MOST - position);
  if (count <= 0) return;
  const bytes = contentAt(++world.salt + 50, position, count);
  await changing(
    world,
    slot,
    () => model.writing(position, bytes),
    () => {
      const before = file.inode.size;
      return judged(file.write(bytes, 0, count, position), (done) => {
        const { size } = file.inode;
        if (done < count && !model.foreign && size > Math.max(before, position + done)) {
          throw new Finding(
            `${done} of ${count} bytes at ${position} were written: the size is ${size}`,
          );
        }
        return done === count;
      });
    },
  );
}

async function resizing(world: World, slot: Slot, size: number): Promise<void> {
  await changing(
    world,
    slot,
    () => slot.model.resizing(size),
    () => judged(slot.file.truncate(size), () => true),
  );
}

// A call that has been made, and whether it did all that was asked for.
function* judged<T>(call: Task<T>, isWhole: (result: T) => boolean): Task<boolean> {
  return isWhole(yield* call);
}

async function syncing(world: World, slot: Slot, body: () => Task): Promise<void> {
  const { model } = slot;
  if (!(await quietSlot(world, slot))) return;
  const { now } = model;
  try {
    await world.run('syncer', body);
    if (!model.lost) model.synced(now);
  } catch (error) {
    model.told = true;
    throw error;
  }
}

const row = (weight: number, play: OpRow['play'], more: Partial<OpRow> = {}): OpRow => ({
  weight,
  play,
  ...more,
});

async function foreign(world: World, op: Op, change: (file: string) => void): Promise<void> {
  const model = world.models.get(`f${number(op, 'file')}`) as FileModel;
  if (!model.exists || !(await quiet(world, model))) return;
  const file = world.pathOf(model.name);
  const before = fs.statSync(file);
  change(file);
  // A version that nobody has seen, even if all of this takes no time.
  if (fs.existsSync(file)) {
    const { mtimeMs } = before;
    fs.utimesSync(file, mtimeMs / 1000 + 1, mtimeMs / 1000 + 1 + world.salt++ / 1000);
  }
  model.changedBySomebody(world.found(model.name));
  for (const code of ['ESTALE', 'EFAULT', 'ENOENT'] as const) world.allowed.add(code);
}

/** Every operation. */
export const OPS = {
  open: row(8, (world, op) => openSlot(world, op, `f${number(op, 'file')}`, {}), { draw: anyFile }),
  openWrite: row(
    8,
    (world, op) =>
      openSlot(world, op, `f${number(op, 'file')}`, { write: true }, number(op, 'cut') < 2),
    { draw: (prng, files) => ({ ...anyFile(prng, files), cut: prng.below(10) }) },
  ),
  openDirect: row(
    3,
    (world, op) => {
      world.allowed.add('EINVAL');
      return openSlot(world, op, `f${number(op, 'file')}`, {
        direct: true,
        write: op.write === true,
      });
    },
    { draw: (prng, files) => ({ ...anyFile(prng, files), write: prng.chance(0.6) }) },
  ),
  create: row(
    2,
    (world, op) =>
      openSlot(world, op, NEW_FILES[number(op, 'file') % 3] as string, {
        create: true,
        write: true,
      }),
    { draw: anyFile },
  ),
  close: row(4, async (world, op) => closeSlot(world, number(op, 'slot')), { draw: anySlot }),
  read: row(
    20,
    async (world, op) => {
      const slot = slotOf(world, op);
      if (slot === undefined) return;
      await reading(world, slot, op, (target) =>
        slot.file.read(target, 0, target.length, number(op, 'position')),
      );
    },
    { draw: place, background: true },
  ),
  stat: row(
    2,
    async (world, op) => {
      const slot = slotOf(world, op);
      if (slot !== undefined) await world.run('stat', () => slot.file.stat());
    },
    { draw: anySlot, background: true },
  ),
  settle: row(
    4,
    async (world, op) => {
      const ms = number(op, 'ms') / (world.plan.clock === 'real' ? 20 : 1);
      await world.run('sleeper', () => world.lab.scheduler.sleep(ms * NS_PER_MS));
    },
    { draw: (prng) => ({ ms: prng.chance(0.2) ? prng.below(40_000) : prng.below(20) }) },
  ),
  write: row(
    16,
    async (world, op) => {
      const slot = writable(world, op);
      if (slot !== undefined)
        await writing(world, slot, number(op, 'position'), number(op, 'count'));
    },
    { draw: place, background: true },
  ),
  // More than a small page cache holds.
  writeMuch: row(
    2,
    async (world, op) => {
      for (const [slot, name] of NEW_FILES.entries()) {
        await openSlot(world, { ...op, slot }, name, { create: true, write: true });
        const opened = world.slots.get(slot);
        if (opened !== undefined) await writing(world, opened, number(op, 'position') % 8192, MOST);
      }
    },
    { draw: place },
  ),
  truncate: row(
    4,
    async (world, op) => {
      const slot = writable(world, op);
      if (slot !== undefined) await resizing(world, slot, number(op, 'position'));
    },
    { draw: place, background: true },
  ),
  fsync: row(
    5,
    async (world, op) => {
      const slot = writable(world, op);
      if (slot !== undefined) await syncing(world, slot, () => slot.file.fsync());
    },
    { draw: anySlot, background: true },
  ),
  flush: row(
    4,
    async (world, op) => {
      const slot = writable(world, op);
      if (slot !== undefined) await syncing(world, slot, () => slot.file.flush());
    },
    { draw: anySlot, background: true },
  ),
  load: row(
    5,
    async (world, op) => {
      const slot = slotOf(world, op);
      if (slot === undefined || slot.model.latest.length === 0) return;
      const { length } = slot.model.latest;
      slot.mapped.handle ??= slot.file.mmap(0, MOST);
      const { handle } = slot.mapped;
      const position = number(op, 'position') % length;
      const count = Math.min(number(op, 'count'), length - position);
      if (slot.model.busy > 0) world.allowed.add('EFAULT');
      await reading(world, slot, { ...op, position, count }, (target) =>
        handle.load(target, position, target.length),
      );
    },
    { draw: place, background: true },
  ),
  store: row(
    5,
    async (world, op) => {
      const slot = writable(world, op);
      if (slot === undefined || !(await quietSlot(world, slot))) return;
      const { length } = slot.model.latest;
      if (length === 0) return;
      slot.mapped.handle ??= slot.file.mmap(0, MOST);
      const { handle } = slot.mapped;
      const position = number(op, 'position') % length;
      const count = Math.min(number(op, 'count'), length - position);
      const bytes = contentAt(++world.salt + 50, position, count);
      await changing(
        world,
        slot,
        () => slot.model.writing(position, bytes),
        () => judged(handle.store(bytes, 0, count, position), (done) => done === count),
      );
    },
    { draw: place, background: true },
  ),
  // The file is cut off while a mapping is stored into below its new end, and its pages are written
  // by who wants them gone: whatever comes first, all that was stored stays, and nothing else.
  cutAndStore: row(
    3,
    async (world, op) => {
      const slot = writable(world, op);
      if (slot === undefined || !(await quietSlot(world, slot))) return;
      const { file, model, mapped } = slot;
      const { length } = model.latest;
      if (length === 0) return;
      mapped.handle ??= file.mmap(0, MOST);
      const { handle } = mapped;
      const size = 1 + (number(op, 'position') % length);
      const position = number(op, 'store') % size;
      const count = Math.min(number(op, 'count'), size - position);
      const bytes = contentAt(++world.salt + 50, position, count);
      const results = await Promise.allSettled([
        change(world, model, model.resizing(size), 'cutter', () =>
          judged(file.truncate(size), () => true),
        ),
        change(world, model, model.writing(position, bytes), 'storer', () =>
          judged(handle.store(bytes, 0, count, position), (done) => done === count),
        ),
        world.run('launderer', () => file.invalidate()),
      ]);
      const errors = results.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
      const worst = errors.find(({ code }) => !world.allowed.has(code)) ?? errors[0];
      if (worst !== undefined) throw worst;
    },
    {
      draw: (prng, files) => ({ ...place(prng, files), store: prng.below(MOST) }),
      background: true,
    },
  ),
  msync: row(
    2,
    async (world, op) => {
      const slot = writable(world, op);
      const handle = slot?.mapped.handle;
      if (slot !== undefined && handle !== undefined) {
        await syncing(world, slot, () => handle.msync());
      }
    },
    { draw: anySlot },
  ),
  foreignWrite: row(
    4,
    (world, op) =>
      foreign(world, op, (file) => {
        const bytes = contentAt(++world.salt + 50, number(op, 'position'), number(op, 'count'));
        const fd = fs.openSync(file, 'r+');
        fs.writeSync(fd, bytes, 0, bytes.length, number(op, 'position'));
        fs.closeSync(fd);
      }),
    { draw: (prng, files) => ({ ...place(prng, files), ...anyFile(prng, files) }) },
  ),
  foreignTruncate: row(
    2,
    (world, op) => foreign(world, op, (file) => fs.truncateSync(file, number(op, 'position'))),
    { draw: (prng, files) => ({ ...place(prng, files), ...anyFile(prng, files) }) },
  ),
  foreignReplace: row(
    2,
    (world, op) =>
      foreign(world, op, (file) => {
        if (world.isInOverlay(`f${number(op, 'file')}`)) return;
        fs.writeFileSync(`${file}.new`, contentAt(++world.salt + 50, 0, number(op, 'count')));
        fs.renameSync(`${file}.new`, file);
      }),
    { draw: (prng, files) => ({ ...place(prng, files), ...anyFile(prng, files) }) },
  ),
  foreignRemove: row(
    1,
    (world, op) =>
      foreign(world, op, (file) => {
        if (world.isInOverlay(`f${number(op, 'file')}`)) return;
        fs.rmSync(file);
        for (const code of ['ENOENT', 'EIO', 'EFAULT'] as const) world.allowed.add(code);
      }),
    { draw: anyFile },
  ),
  breakPromises: row(1, async (world) => world.lab.server.callbacks.breakAll()),
  failFetch: row(3, async (world, op) => fail(world, op, ['fetch'], OTHER_ERRORS), { draw: fault }),
  shortFetch: row(
    2,
    async (world, op) => {
      // Of a server that answers short a client may believe that the file ends there.
      for (const model of world.models.values()) model.lost = true;
      fail(world, op, ['fetch'], OTHER_ERRORS, number(op, 'most'));
    },
    { draw: fault },
  ),
  failStore: row(
    4,
    async (world, op) =>
      fail(world, op, ['store'], STORE_ERRORS, op.part === true ? number(op, 'most') : undefined),
    { draw: fault },
  ),
  failOpen: row(2, async (world, op) => fail(world, op, ['open'], OTHER_ERRORS), { draw: fault }),
  // A file that cannot be made, of which the server tells by throwing.
  failCreate: row(
    3,
    async (world, op) => {
      world.allowed.add('EMFILE');
      world.faults.failCreate = true;
      await openSlot(world, op, NEW_FILES[0] as string, { create: true, write: true });
    },
    { draw: anySlot, background: true },
  ),
  // Until somebody makes room there.
  serverFull: row(
    2,
    async (world, op) => {
      if (op.on !== true) world.faults.failServer('store', { skip: 0, left: 0, errno: 0 });
      else fail(world, { ...op, left: 1e9 }, ['store'], ['ENOSPC', 'EDQUOT']);
    },
    { draw: (prng) => ({ on: prng.chance(0.7), error: prng.below(2) }) },
  ),
  failChange: row(
    2,
    async (world, op) =>
      fail(world, op, ['setSize', 'sync', 'getStatus', 'makeWritable'], OTHER_ERRORS),
    { draw: fault },
  ),
  pause: row(
    3,
    async (world, op) => {
      const ms = number(op, 'ms') / (world.plan.clock === 'real' ? 20 : 1);
      for (const each of world.models.values()) each.silentAt = each.now;
      world.lab.silenceServer(ms * NS_PER_MS);
      world.faults.delay(op.slow === true ? ms * NS_PER_MS : 0);
    },
    { draw: (prng) => ({ ms: 1 + prng.below(50), slow: prng.chance(0.5) }) },
  ),
  // The machine loses power, or the process ends, while what is cached of a file becomes durable
  // (`change` 0), or is overwritten (1) or cut off (2) once it is.
  cutShort: row(
    8,
    async (world, op) => {
      const change = number(op, 'change');
      await openSlot(world, op, `f${number(op, 'file')}`, change === 0 ? {} : { write: true });
      const slot = slotOf(world, op);
      if (slot === undefined) return;
      await reading(world, slot, { ...op, position: 0, count: MOST }, (target) =>
        slot.file.read(target, 0, target.length, 0),
      );
      const sleep = (ns: number) => world.run('sleeper', () => world.lab.scheduler.sleep(ns));
      if (change > 0) await sleep(CHECKPOINT_NS);
      world.cutsPower = op.power === true;
      world.faults.endAfter(number(op, 'after'));
      if (change === 1) await writing(world, slot, number(op, 'position'), number(op, 'count'));
      const { length } = slot.model.latest;
      if (change === 2) await resizing(world, slot, number(op, 'position') % (length + 1));
      if (change > 0) await syncing(world, slot, () => slot.file.flush());
      await sleep(change === 0 ? CHECKPOINT_NS : CHECKPOINT_NS / 100);
    },
    {
      draw: (prng, files) => ({
        ...place(prng, files),
        ...anyFile(prng, files),
        change: prng.below(3),
        power: prng.chance(0.8),
        after: prng.below(1 + prng.below(prng.chance(0.5) ? 6 : 24)),
      }),
    },
  ),
  serverDies: row(
    1,
    async (world, op) => {
      world.lab.silenceServer(number(op, 'ms') * NS_PER_MS, true);
      for (const model of world.models.values()) model.lost = true;
      for (const code of ['ECONNREFUSED', 'EIO', 'EFAULT'] as const) world.allowed.add(code);
    },
    { draw: (prng) => ({ ms: prng.below(10) }) },
  ),
  failDevice: row(
    8,
    async (world, op) => {
      if (!world.hasCache) return;
      world.cacheSuffers(true);
      const errno = negative(DEVICE_ERRORS[number(op, 'error') % DEVICE_ERRORS.length] as 'EIO');
      const call = DEVICE_CALLS[number(op, 'call') % DEVICE_CALLS.length] as 'open';
      const most = op.part === true ? number(op, 'most') & ~4095 : undefined;
      world.faults.failDevice(call, {
        skip: number(op, 'skip'),
        left: number(op, 'left'),
        errno,
        ...(most !== undefined && { most }),
      });
    },
    { draw: (prng) => ({ ...fault(prng), call: prng.below(DEVICE_CALLS.length) }) },
  ),
  breakDevice: row(
    2,
    async (world, op) => {
      world.cacheSuffers(true);
      world.lab.breakCache(op.on === true);
    },
    { draw: (prng) => ({ on: prng.chance(0.6) }) },
  ),
  fillDisk: row(3, async (world, op) => void world.lab.fillCache(op.on === true), {
    draw: (prng) => ({ on: prng.chance(0.6) }),
  }),
  noDescriptors: row(
    2,
    async (world, op) => {
      world.allowed.add('EMFILE');
      const wrong = { skip: 0, left: number(op, 'left'), errno: negative('EMFILE') };
      if (op.part === true) world.faults.failServer('open', wrong);
      else {
        world.cacheSuffers(true);
        world.faults.failDevice('open', wrong);
      }
    },
    { draw: fault },
  ),
  drop: row(
    3,
    async (world, op) => {
      await world.run('drop', () => world.lab.sync());
      world.lab.dropCaches(number(op, 'level'));
    },
    { draw: (prng) => ({ level: 1 + prng.below(3) }) },
  ),
  sync: row(2, (world) => world.run('sync', () => world.lab.sync()), { background: true }),
  evict: row(2, async (world) => {
    const keeper = world.lab.fscache as { evictUnused?(): void } | undefined;
    keeper?.evictUnused?.();
    world.lab.dropCaches(2);
  }),
  remount: row(
    2,
    async (world, op) => {
      const { lab } = world;
      const busy = op.busy === true && (world.slots.size > 0 || world.inFlight.size > 0);
      if (!busy) {
        await world.join();
        for (const at of [...world.slots.keys()]) closeSlot(world, at);
      }
      const error = await world.run('umount', () => lab.unmount());
      if (busy && error === 0) throw new Finding('a filesystem in use was unmounted');
      if (!busy && error === negative('EBUSY')) throw new Finding('a filesystem at rest is in use');
      if (error === 0) lab.mount();
    },
    { draw: (prng) => ({ busy: prng.chance(0.4) }) },
  ),
  rebind: row(
    2,
    async (world, op) => {
      if (!world.lab.setBound(false)) return;
      await world.run('sleeper', () => world.lab.scheduler.sleep(number(op, 'ms') * NS_PER_MS));
      world.lab.setBound(true);
    },
    { draw: (prng) => ({ ms: prng.below(3) }) },
  ),
  dontNeed: row(
    3,
    async (world, op) => {
      const slot = slotOf(world, op);
      if (slot !== undefined) await world.run('advice', () => slot.file.fadvise('dontneed'));
    },
    { draw: anySlot },
  ),
  willNeed: row(
    2,
    async (world, op) => {
      const slot = slotOf(world, op);
      if (slot === undefined) return;
      await world.run('advice', () =>
        slot.file.readahead(number(op, 'position'), number(op, 'count')),
      );
    },
    { draw: place, background: true },
  ),
  // Also while somebody changes the file.
  invalidate: row(
    3,
    async (world, op) => {
      const slot = slotOf(world, op);
      if (slot === undefined) return;
      try {
        await world.run('invalidate', () => slot.file.invalidate());
      } catch (error) {
        slot.model.told = true;
        throw error;
      }
    },
    { draw: anySlot, background: true },
  ),
  join: row(3, async (world) => {
    await world.join();
  }),
  abort: row(2, async (world) => {
    world.allowed.add('EINTR');
    for (const strand of world.strands) world.lab.scheduler.kill(strand);
  }),
  freeze: row(
    2,
    async (world, op) => {
      const { lab } = world;
      await world.run('freeze', function* () {
        if ((yield* lab.freeze()) < 0) return;
        yield* lab.scheduler.sleep(number(op, 'ms') * NS_PER_MS);
        // Closing a lab thaws it.
        if (lab.freezer.thaw() < 0 && !world.isClosing)
          throw new Finding('a frozen filesystem cannot be thawed');
      });
    },
    { draw: (prng) => ({ ms: prng.below(30) }), background: true },
  ),
  // The player does these: they end a lab.
  restart: row(3, async () => {}, {
    draw: (prng) => ({ early: prng.chance(0.3), verify: prng.chance(0.5) }),
  }),
  kill: row(3, async (world, op) => world.faults.endAfter(number(op, 'after')), {
    draw: (prng) => ({ after: prng.below(1 + prng.below(200)) }),
  }),
  powerCut: row(
    3,
    async (world, op) => {
      world.cutsPower = true;
      world.faults.endAfter(number(op, 'after'));
    },
    { draw: (prng) => ({ after: prng.below(1 + prng.below(200)) }) },
  ),
} satisfies Record<string, OpRow>;

/** Kinds of operations. */
export type OpKind = keyof typeof OPS;

function fault(prng: Prng): Record<string, number | boolean> {
  return {
    skip: prng.below(1 + prng.below(6)),
    left: 1 + prng.below(4),
    error: prng.below(100),
    call: prng.below(SERVER_CALLS.length),
    most: 1 + prng.below(20_000),
    part: prng.chance(0.4),
  };
}

function fail(
  world: World,
  op: Op,
  calls: readonly (typeof SERVER_CALLS)[number][],
  errors: readonly Parameters<typeof negative>[0][],
  most?: number,
): void {
  const code = errors[number(op, 'error') % errors.length] as 'EIO';
  for (const allowed of [code, 'EIO', 'EFAULT', 'ENOSPC', 'ENOMEM']) world.allowed.add(allowed);
  world.faults.failServer(calls[number(op, 'call') % calls.length] as 'fetch', {
    skip: number(op, 'skip'),
    left: number(op, 'left'),
    errno: negative(code),
    ...(most !== undefined && { most }),
  });
}
