/** The timeline as the JSON of Chrome's Trace Event Format, for other viewers. */
import { ChromeWriter } from '../../report/timeline/chrome.js';
import { timelineOf } from './timeline.js';
import type { TextExporter } from './types.js';

/** Row `chrome` of the registry. */
export const chrome: TextExporter = {
  kind: 'text',
  doc: 'the same timeline in the Trace Event Format (JSON), for viewers such as Speedscope',
  options: [],
  timed: true,
  *lines(capture) {
    for (const lines of timelineOf(capture, new ChromeWriter())) yield* lines;
  },
};
