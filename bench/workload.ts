/**
 * The contests of recorded workloads: reading a long log, and asking what other settings would do.
 * Nothing else reads these formats into operations on files, so netfslab runs alone.
 */
import { join } from 'node:path';
import { readWorkload } from '../src/core/app/run/workload_input.js';
import type { Contest, ContestSource, Setting } from './harness.js';
import { TextFile } from './text_file.js';
import { expectEqual, NETFSLAB, runCommand } from './tools.js';

const BLOCK = 4096;

// One line for each read, as `strace -f -y -ttt -T` writes it.
function writeStrace(path: string, lines: number): void {
  const file = new TextFile(path);
  file.line('42 1700000000.000000 openat(AT_FDCWD</m>, "d", O_RDONLY) = 3</m/d> <0.000010>');
  for (let i = 1; i < lines; i++) {
    const time = `17${String(i + 1e14).slice(1, 9)}.${String(i % 1e6).padStart(6, '0')}`;
    file.line(
      `42 ${time} pread64(3</m/d>, "\\177ELF\\2\\1\\1\\0\\0\\0"..., ${BLOCK}, ${i * BLOCK}) = ${BLOCK} <0.000012>`,
    );
  }
  file.close();
}

function writeIolog(path: string, lines: number): void {
  const file = new TextFile(path);
  file.line('fio version 3 iolog\n0 d add\n0 d open');
  for (let i = 3; i < lines; i++) file.line(`${i} d read ${(i % 1000) * BLOCK} ${BLOCK}`);
  file.close();
}

function parsing(
  format: 'strace' | 'iolog',
  write: (path: string, lines: number) => void,
): ContestSource {
  const name = `parse-${format}`;
  return {
    name,
    doc: `a long ${format} log into operations`,
    setUp({ folder, size }: Setting): Contest {
      const lines = size(`${name}-lines`, 1_000_000, 20_000);
      const input = join(folder, `${name}.txt`);
      write(input, lines);
      let operations = 0;
      return {
        name,
        what: `${lines} lines into operations`,
        contestants: [
          {
            name: 'netfslab',
            run: () => {
              const read = readWorkload(input);
              operations = read.kind === 'recording' ? read.recording.ops.length : 0;
              return undefined;
            },
            verify: () =>
              expectEqual('operations', operations, format === 'strace' ? lines : lines - 2),
          },
        ],
      };
    },
  };
}

/** Twelve combinations of two settings. */
const whatif: ContestSource = {
  name: 'whatif',
  doc: 'the operations of a log under twelve combinations of settings',
  setUp({ folder, size }: Setting): Contest {
    const lines = size('whatif-operations', 100_000, 2000);
    const input = join(folder, 'whatif.txt');
    writeIolog(input, lines);
    const vary = ['--vary', 'read-ahead-kb=0,128,512,1024', '--vary', 'rsize=16k,64k,256k'];
    const asked = ['whatif', input, '--server', folder, '--no-remember', ...vary];
    const command = [...NETFSLAB, ...asked] as const;
    return {
      name: 'whatif',
      what: `${lines} operations, 12 combinations`,
      contestants: [{ name: 'netfslab', run: () => runCommand(command), verify: () => {} }],
    };
  },
};

/** In the order in which they are run. */
export const WORKLOAD_CONTESTS: readonly ContestSource[] = [
  parsing('strace', writeStrace),
  parsing('iolog', writeIolog),
  whatif,
];
