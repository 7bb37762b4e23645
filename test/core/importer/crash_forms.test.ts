/** Call traces of every age and tool, in the shapes of public reports. */
import test from 'ava';
import { pasteOf } from '../../../src/core/importer/paste/read_paste.js';

async function itemsOf(text: string) {
  const { parts } = await pasteOf('report', Buffer.from(text));
  return parts.flatMap(({ log }) => log.items);
}

test('a trace of 32-bit ARM is read from who was called', async (t) => {
  const [hung] = await itemsOf(`[ 41.8] INFO: task gzip:2243 blocked for more than 120 seconds.
[ 41.8]       Not tainted 4.14.30-1-ARCH #1
[ 41.8] gzip            D    0 2243  2239 0x00000000
[ 41.8] [<80a87848>] (__schedule) from [<80a88018>] (schedule+0x3c/0xa0)
[ 41.8] [<80a88018>] (schedule) from [<803e0000>] (__fscache_wait_on_page_write+0x14/0x3c)
[ 41.8] [<803e0000>] (__fscache_wait_on_page_write) from [<803ea028>] (nfs_wb_all+0x14/0x15c)
`);
  t.regex(hung?.means ?? '', /gzip \(pid 2243\) waits for page store to the cache/);
  t.is(hung?.kernels, '4.14.30-1-ARCH');
});

test('an oops of a kernel that prints IP: and Pid: is one report', async (t) => {
  const found = await itemsOf(`It crashed like this:

BUG: unable to handle kernel NULL pointer dereference at 00000000000000a8
IP: [<ffffffffa0075118>] __fscache_read_or_alloc_pages+0x1dd/0x315 [fscache]
PGD 15889067 PUD 15890067 PMD 0
Oops: 0000 [#1] SMP
CPU 0

Pid: 4544, comm: tar Not tainted 3.1.0-rc4-test+ #1064
RIP: 0010:[<ffffffffa0075118>]  [<ffffffffa0075118>] __fscache_read_or_alloc_pages+0x1dd/0x315 [fscache]
Call Trace:
 [<ffffffffa00b17a1>] __nfs_readpages_from_fscache+0x84/0x1d1 [nfs]
`);
  t.is(found.length, 1);
  t.regex(found[0]?.means ?? '', /In __fscache_read_or_alloc_pages \[fscache\].*tar \(pid 4544\)/);
});

test('frames that were decoded with their place in the source are frames', async (t) => {
  const [found] = await itemsOf(`[15.3][T41] ==================================================
[15.3][T41] BUG: KASAN: slab-use-after-free in netfs_retry_reads (fs/netfs/read_retry.c:286)
[15.3][T41] Read of size 8 at addr ffff88800853aa88 by task kworker/u8:3/41
[15.3][T41] Call Trace:
[15.3][T41] netfs_retry_reads (fs/netfs/read_retry.c:286)
[15.3][T41] netfs_read_collection (fs/netfs/read_collect.c:400)
[15.3][T41] Allocated by task 99:
[15.3][T41]  netfs_alloc_request (fs/netfs/objects.c:40)
[15.3][T41] Freed by task 100:
[15.3][T41]  netfs_free_request (fs/netfs/objects.c:140)
`);
  t.regex(
    found?.means ?? '',
    /read retry\. .*Allocated in netfs_alloc_request\. Freed in netfs_free_request/,
  );
});

test('a backtrace of crash and stacks of /proc are told one by one', async (t) => {
  const [crash] = await itemsOf(`PID: 28     TASK: ffff8800378fa600  CPU: 0   COMMAND: "kworker/0:2"
 #0 [ffff880037ad7a50] __schedule at ffffffff8102c0ae
 #1 [ffff880037ad7d38] __fscache_acquire_volume at ffffffffa03eb17c [netfs]
`);
  t.regex(crash?.means ?? '', /kworker\/0:2 \(pid 28\) waits for old volume/);
  const stacks = await itemsOf(`== 7 cat
[<0>] p9_client_rpc+0x12e/0x510
== 8 dd
[<0>] netfs_wait_for_read+0x12e/0x510
`);
  t.deepEqual(
    stacks.map(({ tasks }) => tasks[0]),
    ['cat (pid 7)', 'dd (pid 8)'],
  );
});

test('an assertion, its values and the BUG below it belong together', async (t) => {
  const found = await itemsOf(`[1.6] CacheFiles: 
[1.6] CacheFiles: Assertion failed
[1.6] CacheFiles: 6 == 5 is false
[1.6] ------------[ cut here ]------------
[1.6] kernel BUG at fs/cachefiles/rdwr.c:716!
[1.6] Internal error: Oops - BUG: 0 [#1] PREEMPT SMP
[1.6] pc : cachefiles_read_or_alloc_pages+0xbe0/0xc20
`);
  t.is(found.length, 2);
  t.is(found[0]?.details.length, 1);
  t.regex(found[1]?.means ?? '', /cachefiles_read_or_alloc_pages/);
});

test('failures of filesystems that are not in the table are called unknown', async (t) => {
  const found = await itemsOf(`[1.0] CIFS: VFS: \\\\fs01 Send error in SessSetup = -11
[1.0] 9pnet_virtio: no channels available for device drvfs
[1.0] CIFS: Attempting to mount //fs01/x
`);
  t.deepEqual(
    found.map(({ weight }) => weight),
    ['unknown', 'unknown'],
  );
  t.regex(found[0]?.means ?? '', /EAGAIN/);
});
