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
  /** Places along this axis are powers. */
  readonly logX?: boolean;
  readonly logY?: boolean;
}

/** Columns where the output is no terminal, and at most. */
const WIDTH = 64;
const WIDTH_MAX = 160;
const HEIGHT = 14;

const scaled = (log: boolean | undefined) => (value: number) =>
  log === true ? Math.log(Math.max(1, value)) : value;

/**
 * The curves in one frame, as lines, as wide as the terminal; later series lie over earlier ones.
 */
export function* plotLines(
  series: readonly Series[],
  axes: PlotAxes,
  columns: number | undefined = process.stdout.columns,
): Generator<string> {
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return;
  const scale = scaled(axes.logX);
  const height = scaled(axes.logY);
  const xs = all.map(({ x }) => scale(x));
  const [left, right] = [least(xs), most(xs)];
  const ys = all.map(({ y }) => y);
  const top = most(ys);
  const bottom = axes.logY === true ? least(ys) : 0;
  const width = Math.max(axes.y(top).length, axes.y(bottom).length);
  const room = columns === undefined ? WIDTH : Math.min(WIDTH_MAX, columns - width - 3);
  const across = Math.max(16, room);
  const grid = Array.from({ length: HEIGHT }, () => Array.from({ length: across }, () => ' '));
  const [low, high] = [height(bottom), height(top)];
  for (const { mark, points } of series) {
    for (const { x, y } of points) {
      const share = right === left ? 0 : (scale(x) - left) / (right - left);
      const up = high === low ? 0 : (height(y) - low) / (high - low);
      const row = HEIGHT - 1 - Math.round(up * (HEIGHT - 1));
      (grid[row] as string[])[Math.round(share * (across - 1))] = mark;
    }
  }
  for (const [i, row] of grid.entries()) {
    const label = i === 0 ? axes.y(top) : i === HEIGHT - 1 ? axes.y(bottom) : '';
    yield `${label.padStart(width)} |${row.join('').trimEnd()}`;
  }
  yield `${' '.repeat(width)} +${'-'.repeat(across)}`;
  const places = all.map(({ x }) => x);
  const end = axes.x(most(places));
  const begin = axes.x(least(places)).padEnd(Math.max(0, across - end.length));
  yield `${' '.repeat(width + 2)}${begin}${end}`;
  yield `${' '.repeat(width + 2)}${series.map(({ mark, name }) => `${mark} ${name}`).join('   ')}`;
}

/** As Math.min and Math.max, of any number of values. */
const least = (values: readonly number[]): number =>
  values.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
const most = (values: readonly number[]): number =>
  values.reduce((one, other) => Math.max(one, other), Number.NEGATIVE_INFINITY);
