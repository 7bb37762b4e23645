/** What a capture is, in one row: the part of `trace ls` that the database itself knows. */
import { sqlModule } from './sql_module.js';
import type { Analysis } from './types.js';

/** One row per capture. */
export const listing: Analysis = {
  name: 'listing',
  doc: 'What a capture is: workload, profile, time, and how much is in it.',
  needs: ['capture', 'request', 'op'],
  columns: [
    { name: 'workload', doc: 'Name of the workload.', unit: 'text' },
    { name: 'profile', doc: 'Profile played, or the era of an import.', unit: 'text' },
    { name: 'clock', doc: 'virtual, real, or the trace clock of an import.', unit: 'text' },
    { name: 'when', doc: 'Start, UTC; NULL on the virtual clock.', unit: 'text' },
    { name: 'ops', doc: 'Operations of the application.', unit: 'count' },
    { name: 'requests', doc: 'Read requests.', unit: 'count' },
    { name: 'events', doc: 'Events.', unit: 'count' },
    { name: 'lost', doc: 'Events lost.', unit: 'count' },
    { name: 'state', doc: 'complete, or cut short when the run was killed.', unit: 'text' },
  ],
  params: [],
  sql: sqlModule('listing'),
};
