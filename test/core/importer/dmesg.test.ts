/** Kernel logs: messages of every spelling, dumps of cookies, hangs and crashes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { dmesgLines, dmesgRows } from '../../../src/core/app/explain/dmesg.js';
import { MESSAGES, matchMessage } from '../../../src/core/importer/dmesg/messages.js';
import { readLog } from '../../../src/core/importer/dmesg/read_log.js';
import { withoutLogPrefix } from '../../../src/core/importer/paste/log_prefix.js';
import { ROOT } from '../../helpers/source.js';

const FOLDER = join(ROOT, 'traces/reports/dmesg-netfs-prefix');
const sample = (name: string) => readFileSync(join(FOLDER, name), 'utf8').split('\n');
const itemsOf = (lines: readonly string[]) => readLog(lines).items;
const means = (...lines: string[]) => itemsOf(lines).map((item) => item.means);

/** A line as the kernel prints it by a format. */
function printed(format: string): string {
  return format
    .replaceAll('%%', '%')
    .replaceAll(/%[-0*.\d]*(?:phN|pISp|pSR|pd2?|pU|px|p|(?:ll|l|hh|h|z)?[duxosc])/g, (piece) =>
      /[dux]$/.test(piece) ? '1' : piece.endsWith('o') ? '7' : 'a',
    );
}

test('every message is found by what the kernel prints of it', (t) => {
  t.true(MESSAGES.length > 250);
  for (const { prefix, format, meaning } of MESSAGES) {
    const line = `${prefix === '' ? '' : `${prefix === 'fscache' ? 'netfs' : prefix}: `}${printed(format)}`;
    t.true(meaning.length > 3, format);
    t.not(matchMessage(line), null, line);
  }
});

test('messages of fscache are known under the prefix of either time', (t) => {
  for (const { prefix, format, until } of MESSAGES) {
    if (!['fscache', 'FS-Cache', 'netfs'].includes(prefix)) continue;
    for (const each of ['FS-Cache', 'netfs']) {
      t.not(matchMessage(`${each}: ${printed(format)}`), null, `${each} ${format} ${until}`);
    }
  }
});

test('what loggers put in front of a line changes nothing', (t) => {
  const message = "netfs: Couldn't get user pages (rc=-14)";
  const fronts = [
    '[    6.258525][   T88] ',
    '[    6.258525] [ T88@C3] ',
    '[Fri Nov 21 10:03:15 2025] ',
    '[    6.258525] ',
    '[  +0.000012] ',
    '<3>[    6.258525] ',
    'kern  :err   : [    6.258525] ',
    'kern  :err   : [Fri Nov 21 10:03:15 2025] ',
    'Jan 08 09:17:16 host-1 kernel: ',
    'Jan  8 09:17:16 host kernel: [   12.345678] ',
    'Jan  8 09:17:16 host kernel: [   12.345678] [  T88] ',
    '2026-01-07T10:54:24.189530+00:00 host-1 kernel: ',
    '2026-01-07T10:54:24+0000 host-1 kernel: ',
    'Wed 2026-01-07 10:54:24 UTC host-1 kernel: ',
    '2026-01-07T10:54:24,189530+00:00 ',
    '2026-01-07 10:54:24.189 ',
    '2026-01-07T10:54:24.189530123Z stderr F ',
    '<4>1 2026-01-07T10:54:24.189530+00:00 host kernel - - - ',
    '3,1234,5120044,-;',
    '[pod/node-1/logger] 2026-01-07T10:54:24.189Z ',
    'logger-1  | ',
    'kernel: ',
  ];
  for (const front of fronts) {
    t.is(withoutLogPrefix(front + message).text, message, front);
    t.is(itemsOf([front + message]).length, 1, front);
  }
  const json = JSON.stringify({ log: `${message}\n`, stream: 'stderr', time: 'x' });
  t.is(withoutLogPrefix(json).text, message);
  t.is(withoutLogPrefix(JSON.stringify({ MESSAGE: message })).text, message);
});

test('the wait for a cookie that timed out is told with its cookie, and who hangs', (t) => {
  const [wait, hung] = itemsOf(sample('wait-timed-out.txt'));
  t.regex(wait?.means ?? '', /look at the filesystem of the cache/);
  const [cookie, volume, key] = wait?.details ?? [];
  t.regex(
    cookie?.means ?? '',
    /waited for.*state L \(looking up.*IS_CACHING HAS_BEEN_CACHED NO_ACCESS_WAKE HAVE_DATA IS_HASHED.*1 user .*2 accesses/,
  );
  t.regex(volume?.means ?? '', /NFS 4\.2, server 11aa22bb/);
  t.regex(key?.means ?? '', /8 bytes/);
  t.regex(
    hung?.means ?? '',
    /kcompactd0 \(pid 171\) waits for PG_private_2 .*write to the cache.*nfs_release_folio/,
  );
  t.deepEqual(readLog(sample('wait-timed-out.txt')).kernels, ['6.14.0-36-generic']);
});

test('an error number decides how harmful a message is', (t) => {
  const [fault, zero, killed, donate, bug] = itemsOf(sample('reads.txt'));
  t.regex(fault?.means ?? '', /EFAULT/);
  t.regex(zero?.means ?? '', /R=00001ff3/);
  t.is(killed?.weight, 'benign');
  t.regex(killed?.means ?? '', /EINTR/);
  t.is(donate?.kernels, 'v6.12 to v6.13');
  t.regex(
    donate?.details.map((each) => each.means).join(),
    /request 70d30, slice 3, bytes 9a000-9bfff.*98000-9bfff/,
  );
  t.is(bug?.weight, 'harmful');
  t.regex(bug?.means ?? '', /netfs_consume_read_data: read collection/);
});

test('reports of the kernel are one item each, and say which part of netfs it is', (t) => {
  const found = itemsOf(sample('splats.txt'));
  t.is(found.length, 4);
  t.regex(found[0]?.means ?? '', /folio 11 is not under writeback.*write collection/);
  t.regex(found[1]?.means ?? '', /use-after-free.*netfs_limit_iter/);
  t.regex(found[2]?.means ?? '', /endless loop.*netfs_wait_for_request/);
  t.regex(found[3]?.means ?? '', /netfs_alloc_request/);
  for (const { next } of found) t.regex(next, /netfslab capture-script --(?:hang|corrupt)/);
});

test('lines of other subsystems are passed over, unknown ones of netfs are called unknown', (t) => {
  const found = itemsOf([
    '[1.0] usb 1-1: new device',
    '[1.0] EXT4-fs error (device sda1): ext4_lookup:1: deleted inode',
    '[1.0] netfs: Something nobody has heard of (err -5)',
    '[1.0] CacheFiles: a new thing',
  ]);
  t.deepEqual(
    found.map(({ weight }) => weight),
    ['unknown', 'unknown'],
  );
  t.regex(found[0]?.means ?? '', /EIO/);
});

test('a crash of something else is not told', (t) => {
  const log = readLog([
    'INFO: task mount:12 blocked for more than 120 seconds.',
    'Call Trace:',
    ' __schedule+0x2cf/0x640',
    ' xfs_buf_lock+0x29/0xd0 [xfs]',
    'general protection fault, probably for non-canonical address 0xdead000000000108',
    'RIP: 0010:ext4_find_entry+0x1/0x2',
  ]);
  t.is(log.items.length, 0);
  t.is(log.foreign, 2);
});

test('reports that two processors print at once are told apart by their callers', (t) => {
  const [a, b] = itemsOf([
    '[1.0][   T41] INFO: task cat:41 blocked for more than 122 seconds.',
    '[1.0][   T42] INFO: task dd:42 blocked for more than 122 seconds.',
    '[1.0][   T41] Call Trace:',
    '[1.0][   T42] Call Trace:',
    '[1.0][   T41]  netfs_wait_for_read+0x1/0x2 [netfs]',
    '[1.0][   T42]  __fscache_use_cookie+0x1/0x2 [netfs]',
  ]);
  t.regex(a?.means ?? '', /cat \(pid 41\) waits for request IN_PROGRESS/);
  t.regex(b?.means ?? '', /dd \(pid 42\) waits for cookie leaves state U/);
});

test('the same hang told every two minutes is one item', (t) => {
  const hang = [
    'INFO: task cat:41 blocked for more than 122 seconds.',
    ' netfs_wait_for_read+0x1/0x2 [netfs]',
    '',
  ];
  const found = itemsOf([...hang, ...hang.map((line) => line.replace('122', '245'))]);
  t.deepEqual(
    found.map(({ times }) => times),
    [2],
  );
});

test('stacks of /proc/PID/stack are read too', (t) => {
  const [found] = itemsOf(['== 77 rsync', '[<0>] cachefiles_cull+0x1/0x2 [cachefiles]']);
  t.regex(found?.means ?? '', /rsync \(pid 77\) waits for directory lock/);
});

test('the kernel is narrowed down by the messages it prints', (t) => {
  const { since, until } = readLog([
    'netfs: FS-Cache loaded',
    "netfs: Couldn't get user pages (rc=-4)",
  ]);
  t.deepEqual([since, until], ['6.8', '6.18']);
  t.regex([...dmesgLines(readLog(['FS-Cache: Loaded']))].at(-1) ?? '', /v6\.7 or earlier/);
});

test('an old dump of a cookie is decoded with the flags of its time', (t) => {
  const rows = dmesgRows(
    readLog([
      'FS-Cache: Duplicate cookie detected',
      'FS-Cache: O-cookie c=00000000f7ba8096 [p=0000000046187f39 fl=222 nc=0 na=1]',
      'FS-Cache: O-cookie d=000000000548def0 n=0000000029b01628',
    ]),
  );
  t.regex(String(rows[1]?.means), /NO_DATA_YET ENABLED RELINQUISHING/);
});

test('every sample of a kernel log is told', (t) => {
  for (const name of readdirSync(FOLDER)) t.true(itemsOf(sample(name)).length > 0, name);
  t.deepEqual(means(''), []);
});

/** Two reports, as the console prints them. */
const CONSOLE = `[  812.331000] sysrq: Show Blocked State
[  812.332000] task:kworker/u16:3   state:D stack:0     pid:211   tgid:211   ppid:2      flags:0x00004000
[  812.332100] Workqueue: events_unbound netfs_write_collection_worker [netfs]
[  812.333000] Call Trace:
[  812.333100]  <TASK>
[  812.333200]  __schedule+0x402/0x1440
[  812.334000]  folio_wait_bit_common+0x13d/0x350
[  812.335000]  folio_wait_private_2+0x2a/0x40
[  812.336000]  netfs_invalidate_folio+0x1d1/0x210 [netfs]
[  812.336100]  </TASK>
[  812.340000] INFO: task rsync:3121 blocked for more than 120 seconds.
[  812.340100]       Not tainted 6.6.13-amd64 #1
[  812.340200] task:rsync           state:D stack:0     pid:3121  tgid:3121  ppid:3000   flags:0x00000002
[  812.341000] Call Trace:
[  812.341100]  <TASK>
[  812.341200]  __schedule+0x402/0x1440
[  812.342000]  fscache_wait_on_volume_collision+0x90/0x120 [netfs]
[  812.343000]  __fscache_acquire_volume+0x2a0/0x310 [netfs]
[  812.345000]  </TASK>
[  813.089170] FS-Cache: Duplicate cookie detected
[  813.089510] FS-Cache: O-cookie c=0000000b [p=00000002 fl=222 nc=0 na=1]
[  813.090511] FS-Cache: N-cookie c=0000000c [p=00000002 fl=2 nc=0 na=1]`;

const plain = (text: string): string => text.replaceAll(/^\[ *[\d.]+\] /gm, '');
const journal = (text: string): string =>
  text.replaceAll(/^\[ *(\d+)\.\d+\] /gm, (_, seconds) => {
    return `Mar 05 09:12:${Number(seconds) - 780} nas kernel: `;
  });
const reversed = (text: string): string => text.split('\n').reverse().join('\n');

for (const [name, form] of [
  ['with times', (text: string) => text],
  ['of the journal', journal],
  [
    'of dmesg -T',
    (text: string) => journal(text).replaceAll(/^(.*?) nas kernel: /gm, '[Tue $1 2024] '),
  ],
  ['without times', plain],
] as const) {
  test(`a log ${name} whose newest line comes first says the same`, (t) => {
    const items = (text: string) =>
      readLog(text.split('\n'))
        .items.map(({ title, means, details }) => ({ title, means, details }))
        .sort((a, b) => (a.title < b.title ? -1 : 1));
    const forward = items(form(CONSOLE));
    t.is(forward.length, 3);
    t.deepEqual(items(reversed(form(CONSOLE))), forward);
  });
}

test('a log of several starts does not run backwards', (t) => {
  const starts = [1, 2, 3].map((boot) => CONSOLE.replaceAll('[  81', `[  ${boot}1`)).reverse();
  const { items } = readLog(starts.join('\n').split('\n'));
  t.true(items.some(({ means }) => means.includes('old volume with the same key')));
});

test('where lockdep says a lock is taken is a place in the kernel', (t) => {
  const lines = [
    'WARNING: possible circular locking dependency detected',
    '6.12.0-rc5-syzkaller #0 Not tainted',
    'syz.0.15/5994 is trying to acquire lock:',
    'ffff888040e4d148 (&ctx->wb_lock){+.+.}-{3:3}, at: netfs_writepages+0xbe9/0x1410',
    '',
    'but task is already holding lock:',
    'ffff88804e1c0d78 (mapping.invalidate_lock#3){.+.+}-{4:4}, at: filemap_fault+0x5e7/0x2820',
  ].map((line) => `[   85.103442][ T5834] ${line}`);
  const [item] = itemsOf(lines);
  t.regex(item?.means ?? '', /an order of locks that can deadlock. In netfs_writepages/i);
});
