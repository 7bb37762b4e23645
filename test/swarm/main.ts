/**
 * `npm run swarm`: plays seeds in several processes, prints what fails, shrinks it, and says how to
 * play it again. NETFSLAB_SEEDS says how many, NETFSLAB_FIRST which is the first; NETFSLAB_SEED
 * plays one alone.
 */
import { fork } from 'node:child_process';
import os from 'node:os';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { planOf } from './plan.js';
import { play } from './player.js';
import { printPlan, shrinkPlan } from './shrink.js';

const SEEDS = Number(process.env.NETFSLAB_SEEDS ?? 2000);
const FIRST = Number(process.env.NETFSLAB_FIRST ?? 1);
const JOBS = Number(process.env.NETFSLAB_JOBS ?? Math.max(1, os.availableParallelism()));
/** Findings after which a run ends. */
const MOST_FINDINGS = Number(process.env.NETFSLAB_FINDINGS ?? 5);
/** Seeds that a process plays before it asks for more. */
const BATCH = 20;
/** Wall time after which a process that says nothing is ended. */
const SILENT_MS = 150_000;

interface Told {
  readonly seed: number;
  readonly found?: string | undefined;
  readonly done?: boolean;
}

if (process.env.NETFSLAB_SEED !== undefined)
  process.exitCode = await one(Number(process.env.NETFSLAB_SEED));
else if (process.send !== undefined) await worker();
else process.exitCode = await parent();

async function one(seed: number): Promise<number> {
  const plan = planOf(seed);
  const found = await play(plan);
  if (found === undefined) {
    print(`seed ${seed}: nothing found`);
    return 0;
  }
  print(`seed ${seed}: ${found}`);
  if (process.env.NETFSLAB_SHRINK === '0') print(printPlan(plan));
  else {
    const smaller = await shrinkPlan(plan, found);
    print(`shrunk to:\n${printPlan(smaller.plan)}\nwhich finds: ${smaller.found}`);
  }
  return 1;
}

async function worker(): Promise<void> {
  const tell = (told: Told): void => void process.send?.(told);
  process.on('message', async (first: number) => {
    for (let seed = first; seed < Math.min(first + BATCH, FIRST + SEEDS); seed++) {
      tell({ seed });
      const found = await play(planOf(seed));
      if (found !== undefined) tell({ seed, found });
    }
    tell({ seed: first, done: true });
  });
  // Also with a lab in it that hangs.
  process.on('disconnect', () => process.exit());
}

async function parent(): Promise<number> {
  const started = Date.now();
  let next = FIRST;
  let played = 0;
  const findings = new Map<number, string>();
  const enough = (): boolean => findings.size >= MOST_FINDINGS;
  const job = async (): Promise<void> => {
    while (next < FIRST + SEEDS && !enough()) {
      const child = fork(process.argv[1] as string, { env: process.env });
      let now = next;
      let heard = Date.now();
      let ended = false;
      const more = (): void => {
        if (next >= FIRST + SEEDS || enough()) child.disconnect();
        else {
          child.send(next);
          next += BATCH;
        }
      };
      child.on('exit', () => {
        ended = true;
      });
      child.on('message', ({ seed, found, done }: Told) => {
        heard = Date.now();
        if (done === true) more();
        else if (found === undefined) {
          now = seed;
          played++;
        } else {
          findings.set(seed, found);
          print(`seed ${seed}: ${found.split('\n').slice(0, 6).join('\n')}\n  ${replay(seed)}`);
        }
      });
      more();
      while (!ended) {
        await setTimeout(100);
        if (Date.now() - heard < SILENT_MS) continue;
        findings.set(now, 'hangs');
        print(`seed ${now}: hangs, or the process has ended\n  ${replay(now)}`);
        child.kill('SIGKILL');
        break;
      }
      if (child.exitCode !== 0 && !findings.has(now)) {
        findings.set(now, 'crash');
        const how = child.exitCode ?? child.signalCode;
        print(`seed ${now}: the process ended with ${how}\n  ${replay(now)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: JOBS }, job));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const how = `in ${seconds} s with ${JOBS} processes`;
  print(`${played} seeds from ${FIRST} ${how}: ${findings.size} findings`);
  return findings.size === 0 ? 0 : 1;
}

function replay(seed: number): string {
  return `play it again, shrunk: NETFSLAB_SEED=${seed} npm run swarm`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
