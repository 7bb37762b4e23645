/** A worker process of `whatif`: plays the combinations that it is sent, one after the other. */
import { playCombination, type WhatifJob } from './play.js';

process.on('message', (message: { readonly id: number; readonly job: WhatifJob }) => {
  playCombination(message.job).then(
    (prediction) => process.send?.({ id: message.id, prediction }),
    (error: Error) => process.send?.({ id: message.id, error: error.message }),
  );
});
