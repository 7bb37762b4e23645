/**
 * Plays a plan and judges it: every byte read while it goes on, and at the end of each lab what is
 * on the server, what the cache directory holds and takes up, and what the lab has given back.
 */

import { checkCache } from '../../src/core/app/cache/audit.js';
import { ErrnoError } from '../../src/core/base/errors.js';
import { Binding } from '../../src/core/cachefiles/binding.js';
import { closeSlot, OPS } from './ops.js';
import type { Op, Plan } from './plan.js';
import { PROBES } from './probes.js';
import { Finding, PowerLost, World } from './world.js';

/** Wall time after which a run is given up: it sleeps for ever. */
const HANGS_MS = 60_000;

/** Plays a plan: what was found wrong, undefined if nothing was. */
export async function play(plan: Plan): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`still running after ${HANGS_MS / 1000} s`), HANGS_MS);
  });
  const result = await Promise.race([attempt(plan), hang]);
  clearTimeout(timer);
  return result;
}

async function attempt(plan: Plan): Promise<string | undefined> {
  const world = new World(plan);
  try {
    world.start();
    for (const [i, op] of plan.ops.entries()) {
      await step(world, op, i);
      if (world.failure !== undefined) throw world.failure;
    }
    await endLab(world, false);
    await readBack(world);
    const { probe } = world.setup;
    return probe === undefined ? undefined : await PROBES[probe as 'firstOpen'](plan.profile);
  } catch (error) {
    return error instanceof Finding ? error.message : `${(error as Error).stack}`;
  } finally {
    world.remove();
  }
}

async function step(world: World, op: Op, index: number): Promise<void> {
  if (op.kind === 'restart') {
    await endLab(world, op.early === true);
    world.start(op.verify === true ? { verifyCache: true } : {});
    return;
  }
  const running = perform(world, op, index);
  if (op.bg !== true) {
    await running;
    await crashed(world);
    return;
  }
  const tracked = running.finally(() => world.inFlight.delete(tracked));
  world.inFlight.add(tracked);
  // So that it is under way, and what comes next meets it in the middle.
  await world.run('tick', function* () {}).catch(() => {});
  await crashed(world);
}

// One operation: its error is one that it may end with, or the end of the play.
async function perform(world: World, op: Op, index: number): Promise<void> {
  try {
    await OPS[op.kind].play(world, op);
  } catch (error) {
    if (error instanceof PowerLost || world.faults.isCut) return;
    if (error instanceof ErrnoError && world.allowed.has(error.code)) return;
    world.failure ??= new Finding(`operation ${index} (${op.kind}): ${describe(error)}`);
  }
}

function describe(error: unknown): string {
  if (error instanceof Finding || error instanceof ErrnoError) return error.message;
  return `${(error as Error).stack}`;
}

// If the process has ended, the next one begins with what it left.
async function crashed(world: World): Promise<boolean> {
  if (!world.faults.isCut) return false;
  const { isFaithful } = world;
  world.abandon(world.cutsPower);
  checkDirectory(world);
  for (const model of world.models.values()) {
    const wrong = isFaithful ? model.judgeCrash(world.found(model.name)) : undefined;
    if (wrong !== undefined) throw new Finding(`${model.name} ${wrong}`);
  }
  world.start();
  return true;
}

async function endLab(world: World, early: boolean): Promise<void> {
  try {
    await closeAll(world, early);
  } catch (error) {
    if (!(error instanceof PowerLost) && !world.faults.isCut) throw error;
  }
  if (await crashed(world)) {
    await closeAll(world, false);
  }
  if (world.failure !== undefined) throw world.failure;
  checkServer(world);
  checkLeaks(world);
  checkDirectory(world);
}

// `early`: while calls are in progress, which go on to their ends.
async function closeAll(world: World, early: boolean): Promise<void> {
  if (!early) await world.join();
  for (const at of [...world.slots.keys()]) closeSlot(world, at);
  world.lab.breakCache(false);
  world.isClosing = true;
  await world.lab.close();
  await world.join();
}

// What is on the server is what was written, or somebody was told that it may not be.
function checkServer(world: World): void {
  const { unwritten } = world.lab;
  if (unwritten.length > 0 && world.allowed.size === 0) {
    throw new Finding(`not written, for no reason: ${JSON.stringify(unwritten)}`);
  }
  if (!world.isFaithful) return;
  for (const model of world.models.values()) {
    const found = world.found(model.name);
    if (!model.local || model.foreign || found === undefined) continue;
    if (Buffer.compare(found, model.latest) === 0) continue;
    const told = model.told || unwritten.some(({ file }) => file === model.name);
    if (model.lost && told) continue;
    const at = model.latest.findIndex((byte, i) => byte !== found[i]);
    const what = `${found.length} bytes for ${model.latest.length}, the first wrong one is ${at}`;
    throw new Finding(`${model.name} on the server is not what was written: ${what}`);
  }
}

function checkLeaks(world: World): void {
  const { openOnServer } = world;
  if (openOnServer.length > 0) throw new Finding(`still open on the server: ${openOnServer}`);
  const { descriptors } = world.faults;
  if (descriptors.size === 0) return;
  throw new Finding(`descriptors of the cache are open: ${[...descriptors.values()]}`);
}

function checkDirectory(world: World): void {
  if (!world.hasCache) return;
  const binding = new Binding(world.disk, world.cacheDir);
  try {
    for (const { name, problem } of checkCache(binding)) {
      if (!world.refused.has(problem)) throw new Finding(`cache check: ${name}: ${problem}`);
    }
    const { ledger } = world.lab.cachefiles ?? {};
    if (ledger?.kept !== true || world.refused.size > 0) return;
    const used = spaceOf(world, binding.root);
    if (ledger.total !== used) {
      throw new Finding(`the cache accounts for ${ledger.total} bytes and takes up ${used}`);
    }
  } finally {
    binding.release();
  }
}

// As du(1) counts.
function spaceOf(world: World, file: string): number {
  const status = world.disk.status(file);
  if (typeof status === 'number') return 0;
  const names = status.isDirectory ? world.disk.names(file) : [];
  return names.reduce((sum, name) => sum + spaceOf(world, `${file}/${name}`), status.allocated);
}

// A last lab reads everything: what is left in the cache must be what the server has.
async function readBack(world: World): Promise<void> {
  if (!world.isFaithful) return;
  world.start({ verifyCache: false, failEvery: undefined });
  for (const model of world.models.values()) {
    const found = world.found(model.name);
    if (found === undefined) continue;
    const file = await world.run('opener', () => world.lab.vfs.open(model.name));
    const target = new Uint8Array(found.length + 1);
    const got = await world.run('reader', () => file.read(target, 0, target.length, 0));
    file.close();
    const same = got === found.length && Buffer.compare(target.subarray(0, got), found) === 0;
    if (same) continue;
    const at = found.findIndex((byte, i) => byte !== target[i]);
    const what = `${got} bytes of ${found.length}, first wrong at ${at}`;
    throw new Finding(`${model.name} read by the next process: ${what}`);
  }
  await world.lab.close();
}
