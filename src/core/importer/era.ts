/**
 * Tells the era of a trace by what its events look like: the era is meant in which most of them
 * parse, print back as they were, and hold no unknown word. Called by app/import.ts.
 */
import { UsageError } from '../base/errors.js';
import {
  ERA_KERNELS,
  ERAS,
  type Era,
  eraAge,
  eraOfKernel,
  isEra,
  isNewerThanKnown,
  kernelsOf,
  NEWEST_RELEASED,
} from '../trace/eras.js';
import { tracepointNamed } from '../trace/index.js';
import type { AnyTracepoint } from '../trace/tracepoint.js';
import { hasFurtherField, parseRawFields } from './raw_fields.js';
import type { Sample } from './types.js';

/** An era, and why it was taken. */
export interface EraChoice {
  readonly era: Era;
  /** In words. */
  readonly evidence: string;
  /** Why it may be another, in words, and what to do about it; null = it is not in doubt. */
  readonly doubt: string | null;
}

/** What a user says of the kernel. */
export interface EraHints {
  /** --era */
  readonly era?: string | undefined;
  /** --kernel, a release as `uname -r` prints it. */
  readonly kernel?: string | undefined;
  /** The release that the trace itself names. */
  readonly named?: string | null;
}

/** Taken where nothing tells: what most kernels in use print. */
const FALLBACK: Era = 'E3';

/** Chooses the era. Throws `UsageError` for an era or kernel that is not known. */
export function chooseEra(samples: readonly Sample[], hints: EraHints = {}): EraChoice {
  const { era, kernel, named } = hints;
  const fitting = fittingEras(samples);
  if (era !== undefined) {
    if (!isEra(era)) throw unknownEra(era);
    return { era, evidence: 'as --era says', doubt: misfit(era, samples, fitting) };
  }
  if (kernel !== undefined) {
    const of = eraOfKernel(kernel);
    if (of === null) throw unknownKernel(kernel);
    const evidence = `as --kernel says: ${kernel} is ${releaseText(of, kernel)}`;
    return { era: of, evidence, doubt: misfit(of, samples, fitting) };
  }
  // Backports make the text differ from the release, so the text decides and the release helps.
  const ofName = named === undefined || named === null ? null : eraOfKernel(named);
  if (ofName !== null && (fitting.eras.length === 0 || fitting.eras.includes(ofName))) {
    const evidence = `the trace names its kernel ${named}`;
    const newer = isNewerThanKnown(named ?? '') ? `; ${releaseText(ofName, named ?? '')}` : '';
    return { era: ofName, evidence: evidence + newer, doubt: null };
  }
  const [first] = fitting.eras;
  if (first === undefined) {
    const inDoubt = samples.some(([name]) => tracepointNamed(name) !== undefined);
    const doubt = inDoubt ? 'no event is what any kernel prints: --kernel decides' : null;
    return { era: FALLBACK, evidence: 'nothing in the trace tells the era', doubt };
  }
  // The newest that a release has: people debug the kernel they run.
  const newest = fitting.eras.findLast(isReleased) ?? first;
  const others = fitting.eras.filter((each) => each !== newest);
  if (others.length === 0) return { era: newest, evidence: fitting.evidence, doubt: null };
  return {
    era: newest,
    evidence: `${fitting.evidence}; ${others.join(', ')} would do as well`,
    doubt: `${others.join(', ')} print all these events as ${newest} does: --kernel tells which it was`,
  };
}

/** True for an era of a release, false for the posted patchset and for what is not released yet. */
function isReleased(era: Era): boolean {
  return era !== 'E0' && eraAge(era) <= eraAge(NEWEST_RELEASED);
}

/** The kernels of an era that was chosen by a release. */
function releaseText(era: Era, release: string): string {
  if (!isNewerThanKnown(release)) return kernelsOf(era);
  return `newer than ${kernelsOf(era)}, which is the closest known`;
}

/** What speaks against an era that was asked for; null where no other fits better. */
function misfit(era: Era, samples: readonly Sample[], fitting: Fitting): string | null {
  const [best] = fitting.eras;
  if (best === undefined || fitting.eras.includes(era)) return null;
  const events = samples.filter(([name]) => tracepointNamed(name) !== undefined);
  const exact = events.filter((sample) => fitOf(sample, era) === EXACT).length;
  const better = `${best} (${kernelsOf(best)}): ${fitting.evidence}`;
  return `${exact} of ${events.length} events are what ${era} prints; try ${better}`;
}

interface Fitting {
  readonly eras: readonly Era[];
  readonly evidence: string;
}

/** The eras that fit best, oldest first, and in words how well. */
function fittingEras(samples: readonly Sample[]): Fitting {
  const points = ERAS.map((era) => samples.reduce((sum, sample) => sum + fitOf(sample, era), 0));
  const best = Math.max(...points);
  const eras = best === 0 ? [] : ERAS.filter((_, i) => points[i] === best);
  const events = samples.filter(([name]) => tracepointNamed(name) !== undefined);
  const [era] = eras;
  const exact =
    era === undefined ? 0 : events.filter((sample) => fitOf(sample, era) === EXACT).length;
  const evidence = `${exact} of ${events.length} events looked at are printed exactly so`;
  return { eras, evidence };
}

const EXACT = 4;

/** How well an event fits an era: 0 = it does not have it or does not print it so. */
function fitOf([name, text]: Sample, era: Era): number {
  const tracepoint = tracepointNamed(name);
  if (tracepoint === undefined || tracepoint.format(era) === null) return 0;
  const row = tracepoint.parse(text, era) ?? tracepoint.parse(`${text}\n`, era);
  if (row === null) return fitOfNumbers(tracepoint, text, era);
  const known = tracepoint.columns.every(({ symbols }, i) => {
    const value = row[i];
    return symbols === null || typeof value !== 'string' || symbols.find(era, value) !== undefined;
  });
  const same = tracepoint.print(row, era).trimEnd() === text.trimEnd();
  return 1 + (known ? 2 : 0) + (same ? 1 : 0);
}

/** The same of raw fields, where words are numbers: by which fields there are. */
function fitOfNumbers(tracepoint: AnyTracepoint, text: string, era: Era): number {
  const row = parseRawFields(tracepoint, text, era);
  if (row === null) return 0;
  const known = tracepoint.columns.every(({ symbols }, i) => {
    return symbols === null || row[i] === null || symbols.labels(era)[Number(row[i])] !== undefined;
  });
  return 1 + (known ? 2 : 0) + (hasFurtherField(tracepoint, text, row) ? 0 : 1);
}

function unknownEra(era: string): UsageError {
  const eras = ERAS.map((each) => `${each} (${ERA_KERNELS[each]})`).join(', ');
  return new UsageError('--era', `no era '${era}'`, `one of ${eras}`);
}

function unknownKernel(kernel: string): UsageError {
  const hint = 'a release from 5.13 on, as uname -r prints it: 6.1, 6.12.107';
  return new UsageError('--kernel', `no netfs events are known of '${kernel}'`, hint);
}
