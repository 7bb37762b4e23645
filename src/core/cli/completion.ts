/**
 * Completion scripts for bash, zsh and fish, made from the list of commands. They start no program:
 * words of commands, flags and values stand in the script, all else is completed as a file.
 */
import { type ListedCommand, type ListedFlag, listCommands } from './command_list.js';

/** The shells that have a script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** The script of a shell, with the command that makes it known. */
export function completionScript(shell: (typeof SHELLS)[number]): string {
  const commands = listCommands();
  return { bash, zsh, fish }[shell](commands);
}

/** The words that may follow: topics and commands by what was typed before. */
function nextWords(commands: readonly ListedCommand[]): Map<string, Map<string, string>> {
  const next = new Map<string, Map<string, string>>();
  for (const { words, summary } of commands) {
    for (let i = 0; i < words.length; i++) {
      const before = words.slice(0, i).join(' ');
      const known = next.get(before) ?? new Map<string, string>();
      next.set(before, known);
      const word = words[i] as string;
      const last = i === words.length - 1;
      if (last || !known.has(word)) known.set(word, last ? summary : `${word} commands`);
    }
  }
  return next;
}

const flagWords = ({ flags }: ListedCommand): string =>
  flags.flatMap(({ name, char }) => [`--${name}`, ...(char ? [`-${char}`] : [])]).join(' ');

const withValues = ({ flags }: ListedCommand): readonly ListedFlag[] =>
  flags.filter(({ values }) => values.length > 0);

/** A text within single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Summaries without what shells give a meaning. */
const plain = (text: string): string => text.replaceAll(/[`$\\"[\]:]/g, ' ').replaceAll('\n', ' ');

function bash(commands: readonly ListedCommand[]): string {
  const next = [...nextWords(commands)].map(
    ([before, words]) => `    ${quoted(before)}) next=${quoted([...words.keys()].join(' '))} ;;`,
  );
  const flags = commands.map(
    (each) => `    ${quoted(each.words.join(' '))}) flags=${quoted(flagWords(each))} ;;`,
  );
  const values = commands.flatMap((each) => [
    ...withValues(each).map(({ name, values: of }) => {
      return `    ${quoted(`${each.words.join(' ')} --${name}`)}) values=${quoted(of.join(' '))} ;;`;
    }),
    ...each.args.slice(0, 1).flatMap(({ values: of }) => {
      return of.length === 0
        ? []
        : [`    ${quoted(`${each.words.join(' ')} ARG`)}) values=${quoted(of.join(' '))} ;;`];
    }),
  ]);
  return `# bash completion for netfslab: source <(netfslab completion bash)
_netfslab() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  # Bash takes --flag=value apart at the sign.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' ]] && ((COMP_CWORD > 1)); then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  local path='' word next='' flags='' values='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in -*) continue ;; esac
    _netfslab_next "$path"
    case " $next " in *" $word "*) path="\${path:+$path }$word" ;; *) break ;; esac
  done
  _netfslab_next "$path"
  _netfslab_flags "$path"
  case $prev in --*) _netfslab_values "$path $prev" ;; *) _netfslab_values "$path ARG" ;; esac
  COMPREPLY=()
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$cur")
  elif [[ -n $values ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
  elif [[ -n $next ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$next" -- "$cur")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  fi
}
_netfslab_next() {
  next=''
  case $1 in
${next.join('\n')}
  esac
}
_netfslab_flags() {
  case $1 in
${flags.join('\n')}
  esac
}
_netfslab_values() {
  case $1 in
${values.join('\n')}
  esac
}
complete -F _netfslab netfslab
`;
}

function zsh(commands: readonly ListedCommand[]): string {
  const next = [...nextWords(commands)].map(([before, words]) => {
    const list = [...words].map(([word, doc]) => `      ${quoted(`${word}:${plain(doc)}`)}`);
    return `    ${quoted(before)}) next=(\n${list.join('\n')}\n    ) ;;`;
  });
  const flags = commands.map((each) => {
    const specs = each.flags.map((flag) => {
      const value = !flag.takes
        ? ''
        : `:${flag.name}:${flag.values.length > 0 ? `(${flag.values.join(' ')})` : '_files'}`;
      return `      ${quoted(`--${flag.name}[${plain(flag.doc)}]${value}`)}`;
    });
    const [first] = each.args;
    const rest =
      first !== undefined && first.values.length > 0
        ? quoted(`*:${first.name}:(${first.values.join(' ')})`)
        : `'*:file:_files'`;
    return `    ${quoted(each.words.join(' '))}) _arguments -S \\\n${[...specs, `      ${rest}`].join(' \\\n')} ;;`;
  });
  return `#compdef netfslab
# zsh completion for netfslab: netfslab completion zsh > "\${fpath[1]}/_netfslab"
_netfslab() {
  local path='' word i
  local -a next
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    [[ $word == -* ]] && continue
    _netfslab_next "$path"
    [[ -n \${next[(r)$word:*]} ]] || break
    path="\${path:+$path }$word"
  done
  _netfslab_next "$path"
  if ((\${#next} > 0)) && [[ \${words[CURRENT]} != -* ]]; then
    _describe command next
    return
  fi
  case $path in
${flags.join('\n')}
  esac
}
_netfslab_next() {
  next=()
  case $1 in
${next.join('\n')}
  esac
}
if [[ $funcstack[1] == _netfslab ]]; then _netfslab "$@"; else compdef _netfslab netfslab; fi
`;
}

function fish(commands: readonly ListedCommand[]): string {
  const lines = ['# fish completion for netfslab: netfslab completion fish | source'];
  lines.push(
    'function __netfslab_at',
    '    set -l typed (commandline -opc)[2..]',
    "    set -l words (string match -v -- '-*' $typed)",
    '    string match -q -- "$argv *" "$words "',
    'end',
    'function __netfslab_only',
    '    set -l typed (commandline -opc)[2..]',
    "    set -l words (string match -v -- '-*' $typed)",
    '    test "$words" = "$argv"',
    'end',
  );
  for (const [before, words] of nextWords(commands)) {
    const when = `__netfslab_only ${before}`.trim();
    for (const [word, doc] of words) {
      lines.push(`complete -c netfslab -f -n ${quoted(when)} -a ${word} -d ${quoted(plain(doc))}`);
    }
  }
  for (const command of commands) {
    const when = quoted(`__netfslab_at ${command.words.join(' ')}`);
    for (const { name, char, doc, takes, values } of command.flags) {
      const short = char === undefined ? '' : ` -s ${char}`;
      const value = !takes ? '' : values.length > 0 ? ` -x -a ${quoted(values.join(' '))}` : ' -r';
      lines.push(
        `complete -c netfslab -n ${when} -l ${name}${short}${value} -d ${quoted(plain(doc))}`,
      );
    }
    const [first] = command.args;
    if (first !== undefined && first.values.length > 0) {
      lines.push(`complete -c netfslab -f -n ${when} -a ${quoted(first.values.join(' '))}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
