/** Curves as text: one character for each series, for a terminal or a log. */

/** One curve. */
export interface Series {
  readonly name: string;
  readonly mark: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** What the axes say. */
export interface PlotAxes {
  readonly x: (value: number) => string;
  readonly y: (value: number) => string;
  /** Places along the x axis are powers. */
  readonly logX?: boolean;
}

const WIDTH = 64;
const HEIGHT = 14;

/** The curves in one frame, as lines; later series lie over earlier ones. */
export function* plotLines(series: readonly Series[], axes: PlotAxes): Generator<string> {
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return;
  const scale = axes.logX === true ? (x: number) => Math.log(Math.max(1, x)) : (x: number) => x;
  const xs = all.map(({ x }) => scale(x));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const top = Math.max(...all.map(({ y }) => y));
  const grid = Array.from({ length: HEIGHT }, () => Array.from({ length: WIDTH }, () => ' '));
  for (const { mark, points } of series) {
    for (const { x, y } of points) {
      const column =
        right === left ? 0 : Math.round(((scale(x) - left) / (right - left)) * (WIDTH - 1));
      const row = top === 0 ? HEIGHT - 1 : HEIGHT - 1 - Math.round((y / top) * (HEIGHT - 1));
      (grid[row] as string[])[column] = mark;
    }
  }
  const width = Math.max(axes.y(top).length, axes.y(0).length);
  for (const [i, row] of grid.entries()) {
    const label = i === 0 ? axes.y(top) : i === HEIGHT - 1 ? axes.y(0) : '';
    yield `${label.padStart(width)} |${row.join('').trimEnd()}`;
  }
  yield `${' '.repeat(width)} +${'-'.repeat(WIDTH)}`;
  const [first, last] = [Math.min(...all.map(({ x }) => x)), Math.max(...all.map(({ x }) => x))];
  const end = axes.x(last);
  const begin = axes.x(first).padEnd(Math.max(0, WIDTH - end.length));
  yield `${' '.repeat(width + 2)}${begin}${end}`;
  yield `${' '.repeat(width + 2)}${series.map(({ mark, name }) => `${mark} ${name}`).join('   ')}`;
}
