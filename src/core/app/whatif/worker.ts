/** A worker process of `whatif`: plays the combinations that it is sent, one after the other. */
import { playCombination, type WhatifJob } from './play.js';

// Whoever asked may have ended meanwhile, after an error of another worker or a signal.
const answer = (message: object): void => {
  process.send?.(message, undefined, undefined, () => {});
};

process.on('message', ({ id, job }: { readonly id: number; readonly job: WhatifJob }) => {
  playCombination(job).then(
    (prediction) => answer({ id, prediction }),
    (error: Error) => answer({ id, error: error.message }),
  );
});
