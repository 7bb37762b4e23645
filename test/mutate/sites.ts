/** Where a compiled file or a statement can be changed so that a test should notice. */

/** A change of one place. */
export interface Mutant {
  /** File below `dist`. */
  readonly file: string;
  readonly at: number;
  readonly before: string;
  readonly after: string;
}

type Change = readonly [before: RegExp, after: string | ((found: string) => string)];

const more = (found: string): string => String(Number(found) + 1);

const OF_JS: readonly Change[] = [
  [/ === /g, ' !== '],
  [/ !== /g, ' === '],
  [/ < /g, ' <= '],
  [/ <= /g, ' < '],
  [/ > /g, ' >= '],
  [/ >= /g, ' > '],
  [/ && /g, ' || '],
  [/ \|\| /g, ' && '],
  [/ \?\? /g, ' && '],
  [/ \+ /g, ' - '],
  [/ - /g, ' + '],
  [/ \* /g, ' / '],
  [/\btrue\b/g, 'false'],
  [/\bfalse\b/g, 'true'],
  [/\+\+/g, '--'],
  [/\bMath\.max\b/g, 'Math.min'],
  [/\bMath\.min\b/g, 'Math.max'],
  [/\bcontinue;/g, 'break;'],
  [/(?<=[ ([])\d+(?=[;,)\] ])/g, more],
];

const OF_SQL: readonly Change[] = [
  [/ = /g, ' <> '],
  [/ <> /g, ' = '],
  [/ < /g, ' <= '],
  [/ > /g, ' >= '],
  [/ AND /g, ' OR '],
  [/ OR /g, ' AND '],
  [/\bmax\(/g, 'min('],
  [/\bmin\(/g, 'max('],
  [/\bsum\(/g, 'max('],
  [/ DESC\b/g, ' ASC'],
  [/ \+ /g, ' - '],
  [/ - /g, ' + '],
  [/LEFT JOIN/g, 'JOIN'],
  [/(?<=[ (])\d+(?=[,) ])/g, more],
];

/** Every change of a file that may be made; comments, texts and imports are left alone. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const sql = file.endsWith('.sql');
  const code = sql ? text.replaceAll(/--.*$|'[^'\n]*'/gm, blank) : codeOf(text);
  return (sql ? OF_SQL : OF_JS).flatMap(([pattern, after]) =>
    [...code.matchAll(pattern)].map((found) => ({
      file,
      at: found.index,
      before: found[0],
      after: typeof after === 'string' ? after : after(found[0]),
    })),
  );
}

/** JavaScript with everything that is not code replaced by spaces of the same length. */
function codeOf(text: string): string {
  return text
    .replaceAll(/\/\*.*?\*\//gs, blank)
    .replaceAll(/^\s*\/\/.*$/gm, blank)
    .replaceAll(/^(import|export) .* from .*$/gm, blank)
    .replaceAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, blank)
    .replaceAll(/\/(?![*/ ])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*(?=[.,;)])/g, blank)
    .replaceAll(/`(?:[^`\\$]|\\.|\$(?!\{))*`/g, blank);
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ');
}
