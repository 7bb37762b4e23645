/**
 * The list of commands that oclif keeps beside package.json, so that a command starts without
 * loading all the others. Written by `npm run build`; one that is older than the build is removed,
 * because it may lack a command that was added since.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const FILE = join(ROOT, 'oclif.manifest.json');
/** Every build writes this file anew. */
const BUILT = fileURLToPath(import.meta.url);

/** Writes the list. */
export async function writeManifest(): Promise<void> {
  rmSync(FILE, { force: true });
  const { Plugin } = await import('@oclif/core');
  const plugin = new Plugin({
    errorOnManifestCreate: true,
    ignoreManifest: true,
    respectNoCacheDefault: true,
    root: ROOT,
  } as ConstructorParameters<typeof Plugin>[0]);
  await plugin.load();
  writeFileSync(FILE, `${JSON.stringify(plugin.manifest)}\n`);
}

/** Removes a list that is older than the program. */
export function dropStaleManifest(): void {
  const written = statSync(FILE, { throwIfNoEntry: false });
  if (written !== undefined && written.mtimeMs < statSync(BUILT).mtimeMs) rmSync(FILE);
}

/** What `--version` prints, in oclif's form. */
export function versionLine(): string {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  return `${name}/${version} ${process.platform}-${process.arch} node-${process.version}`;
}
