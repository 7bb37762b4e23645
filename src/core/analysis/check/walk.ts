/**
 * Walks a trace once for all rules: each event goes to the rules that want it, then changes what is
 * known. Called by check.ts.
 */
import { sideLaws } from './laws.js';
import type { CheckEvent, Hooks, RequestSeen } from './types.js';
import { countRef, countSliceRef, type Walked } from './world.js';

/** The events that tell of requests; every walk reads them. */
export const REQUEST_EVENTS = [
  ...['netfs_read', 'netfs_write', 'netfs_rreq', 'netfs_sreq', 'netfs_failure'],
  ...['netfs_rreq_ref', 'netfs_sreq_ref'],
] as const;

/** What was met in events of one name that no table has. */
export interface Strange {
  readonly words: Set<string>;
  readonly requests: Set<number>;
}

/** Walks the events named for all hooks. */
export class Walk {
  readonly world: Walked;
  /** Events with words that no table has: the words, and the numbers of their requests. */
  readonly strange = new Map<string, Strange>();
  readonly #hooks: readonly Hooks[];
  readonly #others: ReadonlyMap<string, readonly Handler[]>;
  readonly #handlers: Readonly<Record<string, (event: CheckEvent) => void>> = {
    netfs_read: (event) => this.#begin(event),
    netfs_write: (event) => this.#begin(event),
    netfs_rreq: (event) => this.#step(event),
    netfs_sreq: (event) => this.#slice(event),
    netfs_failure: (event) => this.#failure(event),
    netfs_rreq_ref: (event) => this.#requestRef(event),
    netfs_sreq_ref: (event) => this.#sliceRef(event),
  };
  #last: CheckEvent | null = null;

  constructor(world: Walked, hooks: readonly Hooks[]) {
    this.world = world;
    this.#hooks = hooks;
    const others = new Map<string, Handler[]>();
    for (const { other } of hooks) {
      for (const [event, handler] of Object.entries(other ?? {})) {
        others.set(event, [...(others.get(event) ?? []), handler]);
      }
    }
    this.#others = others;
  }

  /** Takes the events to their end. */
  run(events: Iterable<CheckEvent>): void {
    for (const event of events) {
      if (event.strange !== undefined) this.#strange(event);
      (this.#handlers[event.event] ?? this.#other)(event);
      this.#last = event;
    }
    for (const request of this.world.requests()) {
      for (const hooks of this.#hooks) hooks.open?.(request);
    }
    const last = this.#last;
    if (last !== null) for (const hooks of this.#hooks) hooks.over?.(last);
  }

  #strange(event: CheckEvent): void {
    const word = event.step || event.from;
    const known = this.strange.get(event.event) ?? { words: new Set(), requests: new Set() };
    this.strange.set(event.event, known);
    known.words.add(word);
    if (event.rreq !== undefined) known.requests.add(event.rreq);
  }

  #begin(event: CheckEvent): void {
    const { world } = this;
    const known = world.find(event);
    const again = known !== undefined && event.step !== 'expanded' && known.step !== 'new';
    const request = known === undefined || again ? world.begin(event, true) : known;
    if (again) for (const hooks of this.#hooks) hooks.open?.(known);
    for (const hooks of this.#hooks) hooks.begin?.(request, event);
    world.begun(request, event);
  }

  /** The live request of an event; one whose begin was before the trace is taken up. */
  #request(event: CheckEvent): RequestSeen | null {
    const { world } = this;
    const known = world.find(event);
    if (known !== undefined) return known;
    const why = world.strayed(event);
    if (why !== 'before') for (const hooks of this.#hooks) hooks.stray?.(event, why);
    return why === 'freed' ? null : world.begin(event, false);
  }

  #step(event: CheckEvent): void {
    const request = this.#request(event);
    if (request === null) return;
    for (const hooks of this.#hooks) hooks.step?.(request, event);
    const floating = sideLaws(this.world.era, request)?.floating.includes(event.step);
    this.world.stepped(request, event, floating ?? false);
  }

  #slice(event: CheckEvent): void {
    const request = this.#request(event);
    if (request === null) return;
    const slice = this.world.slice(request, event);
    for (const hooks of this.#hooks) hooks.slice?.(request, slice, event);
    this.world.sliced(request, slice, event);
  }

  #failure(event: CheckEvent): void {
    const request = this.world.find(event);
    if (request === undefined) return;
    const slice = request.slices.get(event.index);
    for (const hooks of this.#hooks) hooks.failure?.(request, slice, event);
    if (slice !== undefined) slice.failure = event;
    request.last = event;
  }

  #requestRef(event: CheckEvent): void {
    const { world } = this;
    if (event.step === 'new') {
      if (world.expect(event)) return;
      for (const hooks of this.#hooks) hooks.stray?.(event, 'made again');
      return;
    }
    const request = world.referred(event);
    if (request === null) this.#lateRef(event);
    if (request === null || request.shared) return;
    for (const hooks of this.#hooks) hooks.requestRef?.(request, event);
    countRef(request, event);
  }

  #lateRef(event: CheckEvent): void {
    if (!this.world.isFreed(event.rreq)) return;
    for (const hooks of this.#hooks) hooks.late?.(event);
  }

  #sliceRef(event: CheckEvent): void {
    const request = this.world.referred(event);
    if (request === null) this.#lateRef(event);
    if (request === null || request.shared) return;
    const slice = request.slices.get(event.index);
    if (slice === undefined) return;
    for (const hooks of this.#hooks) hooks.sliceRef?.(request, slice, event);
    countSliceRef(slice, event);
  }

  readonly #other = (event: CheckEvent): void => {
    const handlers = this.#others.get(event.event);
    if (handlers === undefined) return;
    const live =
      event.event === 'netfs_folio'
        ? this.world.covering(event.ino as string | number | null, event.index)
        : [];
    for (const handler of handlers) handler(event, live);
  };
}

type Handler = NonNullable<Hooks['other']>[string];
