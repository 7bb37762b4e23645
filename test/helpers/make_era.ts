/**
 * Writes the file of a new era: how the kernel whose format files are in a folder or tar (tracefs,
 * or a copy of it) differs from an era that is known. Flag bits and statistics lines are not in
 * format files and have to be added by hand. Run by `npm run era -- NAME BEFORE KERNELS PATH`.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFormats } from '../../src/core/app/import/kernel_files.js';
import { differenceFrom } from '../../src/core/importer/kernel_formats.js';
import { isEra } from '../../src/core/trace/eras.js';
import { ROOT } from './source.js';

const [, , name = '', before = '', kernels = '', path = ''] = process.argv;
if (!/^E\d+$/.test(name) || !isEra(before) || path === '') {
  process.stderr.write("usage: npm run era -- E14 E12 'v7.4' /sys/kernel/tracing/events\n");
  process.exitCode = 2;
} else {
  const data = differenceFrom(await readFormats(path), before);
  const file = join(ROOT, `src/core/trace/kernels/${name.toLowerCase()}.ts`);
  writeFileSync(
    file,
    `/** What kernels of era ${name} (${kernels}) print otherwise than those of ${before}. */
import type { EraData } from './types.js';

/** Changes that come with ${name}. */
export const ${name.toLowerCase()} = ${JSON.stringify(data)} as const satisfies EraData;
`,
  );
  execFileSync('npx', ['biome', 'check', '--write', file], { stdio: 'ignore' });
  const since = /\d+(\.\d+)+/.exec(kernels)?.[0];
  process.stdout.write(`wrote ${file}; add to kernels/index.ts in front of what is under development:
  ['${name}', '${kernels}', '${since}', ${name.toLowerCase()}],\n`);
}
