/** The statistics as OpenMetrics: every layout of every era, read back by the reference parser. */
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { openMetrics } from '../../../../src/core/app/stats/openmetrics.js';
import { ERAS } from '../../../../src/core/trace/eras.js';
import { statKeys } from '../../../../src/core/trace/stats_layout.js';

/** Every key that an era prints, with numbers of its own. */
function entriesOf(era: (typeof ERAS)[number]) {
  return statKeys(era).map(({ label, key }, i) => ({ line: i, label, key, value: i + 1 }));
}

/** Debian's, whose packages it has. */
const PYTHON = '/usr/bin/python3';

const READER = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        print(json.dumps([family.name, family.type, bool(family.documentation), sample.name,
            sample.labels.get('label'), sample.labels.get('key'), sample.value]))
`;
const python = spawnSync(PYTHON, ['-c', 'import prometheus_client.openmetrics.parser']);
const withPython = python.status === 0 ? test : test.skip;

for (const era of ERAS) {
  const entries = entriesOf(era);
  if (entries.length === 0) continue;
  const text = `${[...openMetrics({ name: 'x', entries, era })].join('\n')}\n`;

  test(`${era}: each variable is one sample with its value, and the text ends as it should`, (t) => {
    t.true(text.endsWith('\n# EOF\n'));
    const samples = text.matchAll(/^[a-z_0-9]+\{label="(.*?)",key="(.*?)"\} (\d+)$/gm);
    const byKey = new Map(
      Array.from(samples, ([, label, key, value]) => [`${label}.${key}`, Number(value)]),
    );
    const names = text.match(/^[a-z_0-9]+(?=\{)/gm) ?? [];
    t.true(names.length > 10);
    for (const { label, key, value } of entries) {
      const found = byKey.get(`${label}.${key}`);
      // A variable that is printed twice is there once.
      if (found !== undefined) t.is(found, value, `${label}.${key}`);
      else t.true(['WBZ', 'sk'].includes(key), `${label}.${key}`);
    }
    t.notRegex(text, /Not known of/);
  });

  withPython(`${era}: the parser of the Prometheus project reads it`, (t) => {
    const run = spawnSync(PYTHON, ['-c', READER], { input: text, encoding: 'utf8' });
    t.is(run.stderr, '');
    const rows = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown[]);
    t.true(rows.every(([, type, documented]) => type !== 'unknown' && documented === true));
    const counted = rows.filter(([, type]) => type === 'counter');
    t.true(counted.every(([name, , , sample]) => sample === `${name}_total`));
    t.is(rows.length, (text.match(/^[a-z]/gm) ?? []).length);
  });
}

test('names say what is counted', (t) => {
  const text = [...openMetrics({ name: 'x', entries: entriesOf('E12'), era: 'E12' })].join('\n');
  for (const name of [
    ...['netfs_downloads_total', 'netfs_cache_stores_total', 'netfs_requests_in_flight'],
    ...['netfs_readahead_requests_total', 'netfs_uploads_failed_total'],
  ]) {
    t.true(text.includes(`\n${name}{`), name);
  }
});
