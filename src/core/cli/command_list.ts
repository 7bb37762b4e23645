/**
 * Every command with its flags, from the list that the build writes: what completions and manual
 * pages are made of.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One flag. */
export interface ListedFlag {
  readonly name: string;
  readonly char: string | undefined;
  readonly doc: string;
  /** True if a value follows. */
  readonly takes: boolean;
  readonly values: readonly string[];
  /** The word that stands for the value. */
  readonly value: string;
}

/** One command. */
export interface ListedCommand {
  /** As typed: `['trace', 'summary']`. */
  readonly words: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly examples: readonly string[];
  readonly args: readonly { name: string; doc: string; values: readonly string[] }[];
  readonly flags: readonly ListedFlag[];
}

interface ManifestFlag {
  readonly name: string;
  readonly char?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly type: 'boolean' | 'option';
  readonly options?: readonly string[];
  readonly helpValue?: string | readonly string[];
  readonly hidden?: boolean;
}

interface ManifestCommand {
  readonly id: string;
  readonly hidden?: boolean;
  readonly summary?: string;
  readonly description?: string;
  readonly examples?: readonly (string | { readonly command: string })[];
  readonly args: Readonly<
    Record<string, { name: string; description?: string; options?: string[]; hidden?: boolean }>
  >;
  readonly flags: Readonly<Record<string, ManifestFlag>>;
}

const MANIFEST = fileURLToPath(new URL('../../../../oclif.manifest.json', import.meta.url));

/** The commands in the order of their names. Throws Node's error where nothing was built. */
export function listCommands(): ListedCommand[] {
  const { commands } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as {
    commands: Record<string, ManifestCommand>;
  };
  return Object.values(commands)
    .filter(({ hidden }) => hidden !== true)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(listed);
}

function listed(command: ManifestCommand): ListedCommand {
  const { id, summary = '', description = '', examples = [], args, flags } = command;
  const typed = id.replaceAll(':', ' ');
  const named = (text: string) =>
    text.replaceAll('<%= config.bin %>', 'netfslab').replaceAll('<%= command.id %>', typed);
  return {
    words: id.split(':'),
    summary,
    description: named(description),
    examples: examples.map((each) => named(typeof each === 'string' ? each : each.command)),
    args: Object.values(args)
      .filter(({ hidden }) => hidden !== true)
      .map(({ name, description: doc = '', options = [] }) => ({ name, doc, values: options })),
    flags: Object.values(flags)
      .filter(({ hidden }) => hidden !== true)
      .map((flag) => ({
        name: flag.name,
        char: flag.char,
        doc: flag.summary ?? flag.description ?? '',
        takes: flag.type === 'option',
        values: flag.options ?? [],
        value: [flag.helpValue ?? flag.name.toUpperCase()].flat().join(' '),
      })),
  };
}
