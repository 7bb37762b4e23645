/**
 * Contests of a mount: the same programs on a directory served by netfslab, by bindfs and by rclone
 * on this machine's own disk. Each contestant mounts before the work and unmounts after it, so that
 * cold is cold and none of them disturbs another.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dropFile, makeFile, outputOf, warmFile } from './engine_tools.js';
import type { Contest, Contestant, ContestSource, Measured, Setting } from './harness.js';
import { missingTool, NETFSLAB } from './tools.js';

/** Who serves a directory. */
interface Mounter {
  readonly name: string;
  readonly missing: string | null;
  mount(server: string, at: string, scratch: string): void;
  unmount(at: string): void;
}

function netfslab(args: readonly string[]): void {
  const [node, ...rest] = NETFSLAB;
  outputOf(node, [...rest, ...args]);
}

const noFuse = existsSync('/dev/fuse') ? null : 'no /dev/fuse';
const umount = (at: string): void => void outputOf('umount', [at]);

const MOUNTERS: readonly Mounter[] = [
  {
    name: 'netfslab mount',
    missing: noFuse,
    mount: (server, at) => {
      const flags = [
        '--no-trace',
        '--background',
        '--page-cache',
        '1g',
        '--server-writes',
        'refuse',
      ];
      netfslab(['mount', server, at, ...flags]);
    },
    unmount: (at) => netfslab(['unmount', at]),
  },
  {
    name: 'bindfs',
    missing: noFuse ?? missingTool('bindfs'),
    mount: (server, at) => void outputOf('bindfs', ['-o', 'direct_io', server, at]),
    unmount: umount,
  },
  {
    name: 'rclone',
    missing: noFuse ?? missingTool('rclone'),
    mount: (server, at, scratch) => {
      const cache = ['--vfs-cache-mode', 'full', '--cache-dir', scratch];
      outputOf('rclone', ['mount', ...cache, server, at, '--daemon']);
    },
    unmount: umount,
  },
];

/** Some work on a mounted directory: what it took, or nothing if the stopwatch counts. */
type Work = (at: string) => Measured | undefined;

interface MountContest {
  readonly server: string;
  readonly work: Work;
  /** Before the work, not timed. */
  readonly warm?: (at: string) => void;
}

function contestants({ folder }: Setting, { server, work, warm }: MountContest): Contestant[] {
  return MOUNTERS.map(({ name, missing, mount, unmount }, i) => {
    const at = join(folder, `mount-${i}`);
    const scratch = join(folder, `cache-${i}`);
    return {
      name,
      missing,
      prepare() {
        mkdirSync(at, { recursive: true });
        rmSync(scratch, { recursive: true, force: true });
        mount(server, at, scratch);
        warm?.(at);
      },
      run() {
        try {
          return work(at);
        } catch (error) {
          unmount(at);
          throw error;
        }
      },
      verify: () => unmount(at),
    };
  });
}

const goals = (bindfs: number, rclone: number): NonNullable<Contest['goals']> => [
  { faster: 'netfslab mount', than: 'bindfs', atLeast: bindfs },
  { faster: 'netfslab mount', than: 'rclone', atLeast: rclone },
];

function served(setting: Setting, name: string): string {
  const server = join(setting.folder, name);
  mkdirSync(server, { recursive: true });
  return server;
}

function readRandomly(setting: Setting): Contest {
  const server = served(setting, 'random');
  const mib = setting.size('mib', 256, 16);
  const reads = setting.size('reads', 50_000, 2000);
  makeFile(join(server, 'data'), mib << 20);
  const work: Work = (at) => {
    const how = ['--rw=randread', '--bs=4k', '--ioengine=psync', '--randseed=1'];
    const args = [`--filename=${join(at, 'data')}`, `--number_ios=${reads}`, '--readonly'];
    const all = ['--name=x', '--output-format=json', ...how, ...args];
    const output = outputOf('fio', all);
    const report = JSON.parse(output.slice(output.indexOf('{'))) as {
      jobs: { read: { iops: number; total_ios: number } }[];
    };
    const read = report.jobs[0]?.read;
    if (read?.total_ios !== reads) throw new Error(`fio read ${read?.total_ios} of ${reads}`);
    return { ms: (reads / read.iops) * 1000 };
  };
  const warm = (at: string): void => warmFile(join(at, 'data'));
  const what = `${reads} random reads of 4 KiB of a file of ${mib} MiB that was read before`;
  const missing = missingTool('fio');
  const all = contestants(setting, { server, work, warm });
  const each = all.map((one) => ({ ...one, missing: one.missing ?? missing }));
  return { name: 'mount-random', what, contestants: each, goals: goals(0.8, 3) };
}

function readSequentially(setting: Setting): Contest {
  const server = served(setting, 'sequential');
  const mib = setting.size('mib', 512, 32);
  const file = join(server, 'data');
  makeFile(file, mib << 20);
  const work: Work = (at) => {
    warmFile(join(at, 'data'));
    return undefined;
  };
  const what = `a file of ${mib} MiB read in pieces of 1 MiB that nobody has read before`;
  const warm = (): void => dropFile(file);
  const each = contestants(setting, { server, work, warm });
  return { name: 'mount-sequential', what, contestants: each, goals: goals(0.8, 2) };
}

function listTree(warmed: boolean): (setting: Setting) => Contest {
  return (setting) => {
    const server = served(setting, warmed ? 'tree-warm' : 'tree-cold');
    const files = setting.size('files', 20_000, 500);
    for (let i = 0; i < files; i++) {
      const directory = join(server, `d${i % 100}`);
      if (i < 100) mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, `f${i}`), '');
    }
    const list = (at: string): undefined => {
      const lines = outputOf('ls', ['-lR', at]).split('\n');
      const listed = lines.filter((line) => line.startsWith('-')).length;
      if (listed !== files) throw new Error(`ls listed ${listed} of ${files}`);
    };
    const each = contestants(setting, { server, work: list, ...(warmed && { warm: list }) });
    const name = warmed ? 'mount-ls-warm' : 'mount-ls-cold';
    const what = `ls -lR of ${files} files${warmed ? ', for the second time' : ''}`;
    return { name, what, contestants: each, goals: goals(0.8, 1) };
  };
}

/** Contests of mounts. */
export const MOUNT_CONTESTS: readonly ContestSource[] = [
  { name: 'mount-random', doc: 'hot random reads through a mount', setUp: readRandomly },
  { name: 'mount-sequential', doc: 'a cold stream through a mount', setUp: readSequentially },
  { name: 'mount-ls-cold', doc: 'attributes of a tree through a mount', setUp: listTree(false) },
  { name: 'mount-ls-warm', doc: 'the same for the second time', setUp: listTree(true) },
];
