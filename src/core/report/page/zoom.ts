/**
 * A canvas with one axis that is zoomed and moved: by wheel with Ctrl or Alt, by dragging, by keys
 * and by buttons. Who draws on it is told the range to draw.
 */
import { el } from './dom.js';

/** A half-open range of the axis. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What is drawn, and what happens. */
export interface ZoomOptions {
  readonly label: string;
  readonly whole: Range;
  /** Least length of a range. */
  readonly least: number;
  /** Height of the canvas, CSS pixels. */
  height(): number;
  draw(to: CanvasRenderingContext2D, size: Size, range: Range): void;
  /** A click at a place of the canvas. */
  click?(x: number, y: number): void;
  hover?(x: number, y: number): string | null;
  changed?(range: Range): void;
  /** Enter on the keyboard. */
  enter?(): void;
}

/** Width and height, CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

const STEP = 1.6;
/** Below so many pixels a drag is a click. */
const CLICK = 4;

/** The canvas with its buttons. */
export class Zoom {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  #range: Range;
  readonly #options: ZoomOptions;
  readonly #tip: HTMLElement;
  #drag: { from: number; to: number } | null = null;
  #asked = false;

  constructor(options: ZoomOptions) {
    this.#options = options;
    this.#range = options.whole;
    this.canvas = el('canvas', {
      ...{ tabindex: 0, role: 'application', 'aria-label': options.label },
      'aria-description': 'Arrow keys move, plus and minus zoom, Home shows all, Enter explains.',
    });
    this.#tip = el('div', { class: 'tip', hidden: true });
    const button = (text: string, name: string, act: () => void): HTMLButtonElement => {
      const made = el('button', { type: 'button', 'aria-label': name }, text);
      made.addEventListener('click', act);
      return made;
    };
    const buttons = el(
      'div',
      { class: 'buttons' },
      button('+', 'Zoom in', () => this.zoom(STEP)),
      button('\u2212', 'Zoom out', () => this.zoom(1 / STEP)),
      button('\u2190', 'Earlier', () => this.move(-0.3)),
      button('\u2192', 'Later', () => this.move(0.3)),
      button('All', 'Show all', () => this.show(options.whole)),
    );
    this.element = el('div', { class: 'zoom' }, buttons, this.canvas, this.#tip);
    this.#listen();
    new ResizeObserver(() => this.redraw()).observe(this.canvas);
  }

  get range(): Range {
    return this.#range;
  }

  /** Position on the axis of a place on the canvas, CSS pixels. */
  at(x: number): number {
    const { from, to } = this.#range;
    return from + ((to - from) * x) / Math.max(1, this.canvas.clientWidth);
  }

  /** Shows a range, as far as the axis goes. */
  show({ from, to }: Range): void {
    const { whole, least } = this.#options;
    const length = Math.min(whole.to - whole.from, Math.max(least, to - from));
    const middle = (from + to) / 2;
    const start = Math.min(whole.to - length, Math.max(whole.from, middle - length / 2));
    // Whole numbers: a link shows exactly the same again.
    this.#range = { from: Math.round(start), to: Math.round(start + length) };
    this.#options.changed?.(this.#range);
    this.redraw();
  }

  /** Zooms in by a factor, around a position of the axis. */
  zoom(factor: number, around = (this.#range.from + this.#range.to) / 2): void {
    const { from, to } = this.#range;
    this.show({ from: around - (around - from) / factor, to: around + (to - around) / factor });
  }

  /** Moves by a share of what is seen. */
  move(share: number): void {
    const { from, to } = this.#range;
    const by = (to - from) * share;
    const { whole } = this.#options;
    const held = Math.min(whole.to - to, Math.max(whole.from - from, by));
    this.show({ from: from + held, to: to + held });
  }

  /** Draws before the next frame. */
  redraw(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #draw(): void {
    const { canvas } = this;
    const size = { width: canvas.clientWidth, height: this.#options.height() };
    if (size.width === 0) return;
    const scale = window.devicePixelRatio;
    canvas.style.height = `${size.height}px`;
    canvas.width = Math.round(size.width * scale);
    canvas.height = Math.round(size.height * scale);
    const to = canvas.getContext('2d');
    if (to === null) return;
    to.scale(scale, scale);
    this.#options.draw(to, size, this.#range);
    if (this.#drag !== null) {
      const { from, to: end } = this.#drag;
      to.fillStyle = 'rgba(128, 128, 128, 0.3)';
      to.fillRect(Math.min(from, end), 0, Math.abs(end - from), size.height);
    }
  }

  #listen(): void {
    const { canvas } = this;
    const place = (event: MouseEvent): { x: number; y: number } => {
      const box = canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    canvas.addEventListener(
      'wheel',
      (event) => {
        if (!event.ctrlKey && !event.altKey) return;
        event.preventDefault();
        this.zoom(event.deltaY < 0 ? STEP : 1 / STEP, this.at(place(event).x));
      },
      { passive: false },
    );
    canvas.addEventListener('pointerdown', (event) => {
      const { x } = place(event);
      this.#drag = { from: x, to: x };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointermove', (event) => this.#moved(place(event)));
    canvas.addEventListener('pointerleave', () => {
      this.#tip.hidden = true;
    });
    canvas.addEventListener('pointerup', (event) => this.#released(place(event)));
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  #moved({ x, y }: { x: number; y: number }): void {
    if (this.#drag !== null) {
      this.#drag.to = x;
      this.redraw();
      return;
    }
    const text = this.#options.hover?.(x, y) ?? null;
    this.#tip.hidden = text === null;
    if (text === null) return;
    this.#tip.textContent = text;
    const left = Math.min(x + 12, this.canvas.clientWidth - 260);
    this.#tip.style.left = `${Math.max(0, left)}px`;
    this.#tip.style.top = `${this.canvas.offsetTop + y + 16}px`;
  }

  #released({ x, y }: { x: number; y: number }): void {
    const drag = this.#drag;
    this.#drag = null;
    if (drag === null) return;
    if (Math.abs(drag.to - drag.from) < CLICK) this.#options.click?.(x, y);
    else {
      const [a, b] = [this.at(drag.from), this.at(drag.to)];
      this.show({ from: Math.min(a, b), to: Math.max(a, b) });
    }
    this.redraw();
  }

  #key(event: KeyboardEvent): void {
    const acts: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.move(-0.2),
      ArrowRight: () => this.move(0.2),
      '+': () => this.zoom(STEP),
      '=': () => this.zoom(STEP),
      '-': () => this.zoom(1 / STEP),
      Home: () => this.show(this.#options.whole),
      Enter: () => this.#options.enter?.(),
    };
    const act = acts[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }
}

/** Positions of marks of an axis: multiples of 1, 2 or 5 times a power of ten. */
export function marksOf({ from, to }: Range, most: number): number[] {
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
  return multiplesOf(step, { from, to });
}

/** The same for bytes: multiples of a power of two. */
export function byteMarksOf({ from, to }: Range, most: number): number[] {
  const rough = Math.max(1, (to - from) / most);
  return multiplesOf(2 ** Math.ceil(Math.log2(rough)), { from, to });
}

function multiplesOf(step: number, { from, to }: Range): number[] {
  const marks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) marks.push(at);
  return marks;
}
