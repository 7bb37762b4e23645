/**
 * The messages of FS-Cache, CacheFiles, netfs and the filesystems that use them, v5.1 to v7.3, as
 * data: what each line means, what usually causes it and what to look at next. Read by messages.ts.
 *
 * Rows are lines, columns are separated by tabs. An empty version means older than v5.1 (first) or
 * still printed (last). Formats are the kernel's, versions were read in 6.1, 6.12, 6.18 and 7.3 and
 * are within a release elsewhere.
 */

/** prefix, format, severity, first, last, harmless, meaning, cause, next. */
export const MESSAGE_ROWS = `
FS-Cache	Loaded	notice		6.7	yes	FS-Cache is ready.	Module load.	cat /proc/fs/fscache/stats
netfs	FS-Cache loaded	notice	6.8		yes	FS-Cache, now part of the netfs module, is ready.	Module load.	cat /proc/fs/fscache/stats
FS-Cache	Unloaded	notice		6.7	yes	FS-Cache was unloaded.	Module removal.	
netfs	FS-Cache unloaded	notice	6.8		yes	FS-Cache was unloaded.	Module removal.	
fscache	Failed to allocate a cookie jar	notice			no	FS-Cache could not start.	Out of memory at boot.	free -m
FS-Cache	Netfs '%s' registered for caching	notice		5.16	yes	A network filesystem registered with FS-Cache. Caching still needs a cache and a mount option.	Module load of nfs, cifs, afs, ceph or 9p.	cat /proc/fs/fscache/caches
FS-Cache	Netfs '%s' unregistered from caching	notice		5.16	yes	The filesystem left FS-Cache.	Module removal.	
fscache	Cache "%s" added (type %s)	notice			yes	A cache is online. Files opened from now on can be cached.	cachefilesd started.	cat /proc/fs/fscache/caches
FS-Cache	Cache tag '%s' already in use	err		5.16	no	A second cache with the same tag was refused.	Two cachefilesd instances, or a restart before the old cache was gone.	journalctl -u cachefilesd
fscache	Cache tag %s in use	warning	5.17		no	A second cache with the same tag was refused.	Two cachefilesd instances, or a restart before the old cache was gone.	cat /proc/fs/fscache/caches
FS-Cache	Withdrawing cache "%s"	notice		5.16	yes	The cache goes offline. Files keep working without it.	cachefilesd stopped or died.	journalctl -u cachefilesd
fscache	Withdrawing cache "%s" (%u objs)	notice	5.17		yes	The cache goes offline; the number is the objects still held. The line after it comes when all are released.	cachefilesd stopped or died.	cat /proc/fs/fscache/cookies
fscache	Cache '%s' stopped due to I/O error	err			no	Caching is off until cachefilesd restarts. Reads and writes go to the server; no data is lost.	An error of the backing filesystem. The line before it, "CacheFiles: I/O Error: ...", says which.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
fscache	Duplicate cookie detected	err	4.17		usually	Two live inodes or volumes asked for the same cache key. The second one runs without cache. The O- and N- lines describe both. It costs that one its caching and nothing else: it does not slow a start-up.	Same export mounted twice with different options; reused inode number or file handle; a cookie that was not released.	Compare O-key and N-key; mount | grep fsc; use the fsc=<tag> or cachetag option to separate the mounts
fscache	Potential collision c=%08x old: c=%08x	notice	5.17		no	A new cookie has waited 20 s for an old one with the same key to be dropped, and keeps waiting without limit.	The old object cannot finish: I/O still open, slow cache disk, starved worker.	grep the old id in /proc/fs/fscache/cookies: state, nA, na
fscache	Potential volume collision new=%08x old=%08x	notice	5.17		no	A mount has waited 20 s for the old volume with the same key to go, and keeps waiting.	Unmount of the same export has not finished.	cat /proc/fs/fscache/volumes; look for umount in state D
fscache	%s: cookie state change wait timed out: cookie->state=%u state=%u	warning	5.17		no	A read or write has waited 20 s for a cookie to leave a state. It goes on waiting without limit. Printed once per operation; the O-cookie lines follow.	The worker that should change the state is stuck: lookup, creation, invalidation or discard hangs on the cache disk.	Decode the O-cookie line; cat /proc/fs/fscache/cookies; stacks of kworkers with fscache_cookie_worker or cachefiles_
fscache	%c-cookie c=%08x [fl=%lx na=%u nA=%u s=%c]	err	5.17		no	Description of a cookie: O = old or concerned, N = new, F = being freed.	Follows another message.	the fields below
fscache	%c-cookie V=%08x [%s]	err	5.17		no	Volume of that cookie, with its key (filesystem, server, mount parameters).	Follows another message.	grep the id in /proc/fs/fscache/volumes
fscache	%c-key=[%u] '%*phN'	err	5.17		no	Key of that cookie in hexadecimal: 9p qid.path; AFS vnode and uniquifier; CIFS inode id; NFS file handle; ceph ino and snap.	Follows another message.	Compare O-key with N-key
FS-Cache	%c-cookie c=%p [p=%p fl=%lx nc=%u na=%u]	err	4.17	5.14	no	Description of an old-style cookie; pointers are hashed.	Follows "Duplicate cookie detected".	the fields below
FS-Cache	%c-cookie c=%08x [p=%08x fl=%lx nc=%u na=%u]	err	5.15	5.16	no	The same with debug ids.	Follows "Duplicate cookie detected".	cat /proc/fs/fscache/cookies
FS-Cache	%c-cookie d=%p n=%p	err	4.17	5.14	no	Definition and filesystem object of the cookie. n=0: the filesystem let go of it already.	Follows "Duplicate cookie detected".	
FS-Cache	%c-cookie d=%p{%s} n=%p	err	5.15	5.16	no	The same with the definition name, e.g. NFS.fh, CIFS.uniqueid.	Follows "Duplicate cookie detected".	
FS-Cache	%c-cookie o=%p	err	4.17	5.14	no	First cache object of the cookie.	Follows "Duplicate cookie detected".	cat /proc/fs/fscache/objects (if built in)
FS-Cache	Cookie '%s' still has children	err		5.16	no	An index cookie was dropped while files below it still use it. BUG follows.	Bug in the filesystem or in unmount.	Update the kernel
fscache	Assertion failed	err			no	An internal check failed. The next line gives the two values; "kernel BUG at" follows and kills the task. Only in debugging builds.	Kernel bug, often a race between cache errors and reads.	Update the kernel; keep both lines and the call trace
CacheFiles	Assertion failed	err			no	An internal check failed. The next line gives the two values; "kernel BUG at" follows and kills the task. Only in debugging builds.	Kernel bug, often a race between cache errors and reads.	Update the kernel; keep both lines and the call trace
fscache	%lx OP %lx is false	err			no	The values of the failed check. In old kernels "6 == 5": an operation was dead (6) where cancelled (5) was expected.	Kernel bug.	Function in the call trace
CacheFiles	%lx OP %lx is false	err			no	The values of the failed check. In old kernels "6 == 5": an operation was dead (6) where cancelled (5) was expected.	Kernel bug.	Function in the call trace
	Trying to use relinquished cookie	warn-trace	5.17		no	A filesystem used a cookie after giving it back.	Filesystem bug.	Call trace above it
	Trying to invalidate relinquished cookie	warn-trace	5.17		no	A filesystem invalidated a cookie after giving it back.	Filesystem bug.	Call trace
	Can't use cookie in state %u	warn-trace	5.17		no	I/O began on a cookie that is being dropped (8 or 9).	Open raced with eviction.	Call trace; cat /proc/fs/fscache/cookies
	Cookie %x in unexpected state %u	warn-trace	5.17		no	The cookie worker met an unknown state.	Memory corruption or kernel bug.	Call trace
	Cookie c=%x already relinquished	warn-trace	5.17		no	A cookie was given back twice.	Filesystem bug.	Call trace
CacheFiles	Loaded	info			yes	The cachefiles module is ready.	Module load.	journalctl -u cachefilesd
CacheFiles	Unloading	info			yes	The cachefiles module goes away.	Module removal.	
CacheFiles	failed to register: %d	err			no	/dev/cachefiles could not be made.	Module clash or no memory.	ls -l /dev/cachefiles
CacheFiles	Failed to allocate an object jar	notice			no	cachefiles could not start.	Out of memory.	free -m
CacheFiles	File cache on %s registered	info			yes	The cache directory was accepted.	cachefilesd started.	cat /proc/fs/fscache/caches
CacheFiles	File cache on %s unregistering	info			yes	The cache is being closed.	cachefilesd stopped.	journalctl -u cachefilesd
CacheFiles	Failed to register: %d	err			no	The cache directory was refused. -95: the backing filesystem lacks xattrs or needed operations; -30 read-only; -22 block size; -1 security.	Unsuitable cache filesystem.	mount; use ext4 or xfs with user xattrs
CacheFiles	File cache on idmapped mounts not supported	warning	5.13		no	The cache directory lies on an idmapped mount.	Container set-up.	findmnt -o TARGET,OPTIONS
CacheFiles	Cache does not support read_iter and write_iter	notice	5.17		no	The backing filesystem cannot do direct kernel I/O.	Unsuitable cache filesystem.	findmnt -T <cache directory>
CacheFiles	Free space limits must be in range 0%%<=stop<cull<run<100%%	err			no	The limits in cachefilesd.conf are out of order.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	Empty directory specified	err			no	No cache directory in the dir command.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	Second cache directory specified	err			no	dir was given twice.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	Empty security context specified	err			no	secctx without a value.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	Second security context specified	err			no	secctx was given twice.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	Empty tag specified	err			no	tag without a value.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	No cache directory specified	err			no	bind came before dir.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	Cache already bound	err			no	bind was given twice.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	'bind' command doesn't take an argument	err			no	bind got an argument.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	debug command requires mask	err			no	debug without a number.	cachefilesd configuration.	/etc/cachefilesd.conf; journalctl -u cachefilesd
CacheFiles	Invalid argument to the 'bind' command	err	5.19	6.18	no	bind got an argument other than ondemand.	On-demand daemon (erofs); gone by 7.3.	daemon log
CacheFiles	cull applied to unready cache	err			mostly	cull command before bind.	Daemon bug or restart.	journalctl -u cachefilesd
CacheFiles	cull applied to dead cache	err			mostly	cull command after the cache stopped for an I/O error.	Earlier I/O error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	cull command requires dirfd to be a directory	err			no	The daemon's current directory is not a directory.	Cache directory removed under the daemon.	restart cachefilesd
CacheFiles	cull command requires dirfd and filename	err			no	Malformed command.	Daemon bug.	journalctl -u cachefilesd
CacheFiles	inuse applied to unready cache	err			mostly	inuse command before bind.	Daemon bug or restart.	journalctl -u cachefilesd
CacheFiles	inuse applied to dead cache	err			mostly	inuse command after the cache stopped for an I/O error.	Earlier I/O error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	inuse command requires dirfd to be a directory	err			no	The daemon's current directory is not a directory.	Cache directory removed under the daemon.	restart cachefilesd
CacheFiles	inuse command requires dirfd and filename	err			no	Malformed command.	Daemon bug.	journalctl -u cachefilesd
CacheFiles	cachefiles: Inode already in use: %pd (B=%lx)	notice	5.17		mostly	The backing file or directory belongs to another live object. This file runs without cache. The text repeats the prefix.	An old object is still being closed; or two caches share a directory.	cat /proc/fs/fscache/cookies
CacheFiles	%s is not a directory	err			no	A volume directory of the cache is a file.	Damaged or hand-edited cache.	stop cachefilesd, empty the cache directory, start
CacheFiles	%pd is not a file	err	5.17		no	A cache object is not a regular file.	Damaged or hand-edited cache.	stop cachefilesd, empty the cache directory, start
CacheFiles	mkdir %s failed with error %d	err			no	A cache directory could not be made.	Disk full (-28), read-only (-30), permission (-13).	df -h and df -i on the cache directory (see /etc/cachefilesd.conf)
CacheFiles	Lookup %s failed with error %d	err			no	A cache directory could not be looked up.	Backing filesystem error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	Internal error: %d	err			no	Culling met an unexpected error.	Backing filesystem error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	failed to get cres->file	err	5.17		mostly	An operation began but the backing file is gone. The operation runs without cache.	Cache withdrawn or object discarded at that moment.	cat /proc/fs/fscache/caches
CacheFiles	Dirty object in cache	warning	5.17		yes	The object was not closed cleanly after local writes; it is thrown away and fetched again.	Crash or power loss while a file was open for writing.	
CacheFiles	Security denies permission to nominate security context: error %d	err			no	SELinux refused the cache context.	Missing policy.	ausearch -m avc -c cachefilesd
CacheFiles	Security denies permission to make dirs: error %d	err			no	SELinux refused directories in the cache.	Missing policy.	ausearch -m avc
CacheFiles	Security denies permission to create files: error %d	err			no	SELinux refused files in the cache.	Missing policy.	ausearch -m avc
CacheFiles	I/O Error: statfs failed	err			no	Free space could not be read. The cache stops.	Backing filesystem gone or shut down.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Attempt to sync backing fs superblock returned error %d	err			no	Closing the cache could not flush it. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Size set failed [o=%08x]	err	5.17		no	An object could not be grown. The cache stops.	Disk full or error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Trunc-to-size failed %d [o=%08x]	err	5.17		no	An object could not be cut. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Trunc-to-dio-size failed %d [o=%08x]	err	5.17		no	An object could not be rounded to a block. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: CacheFiles: fallocate failed (%d) [o=%08x]	err	5.17		no	A hole could not be punched to free space. The cache stops.	Filesystem without hole punching, or disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Unlink security error	err			no	Deleting an object was refused. The cache stops.	SELinux.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Unlink failed	err			no	An object could not be deleted. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Graveyard no longer a directory	err		6.18	no	The graveyard was removed. The cache stops.	Someone emptied the cache while it ran.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: May not make directory loop	err			no	Moving to the graveyard would make a loop. The cache stops.	Damaged cache.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Mountpoint in cache	err			no	Something is mounted inside the cache. The cache stops.	Wrong mount.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Mountpoint in graveyard	err			no	Something is mounted on the graveyard. The cache stops.	Wrong mount.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Lookup error %ld	err			no	The graveyard could not be searched. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Rename security error %d	err			no	Moving to the graveyard was refused. The cache stops.	SELinux.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Rename failed with error %d	err			no	Moving to the graveyard failed. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Failed to create tmpfile [o=%08x]	err	5.17		no	A new object could not be created. The cache stops.	Disk full of inodes, filesystem without tmpfile, or disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Lookup failed [o=%08x]	err	5.17		no	An object could not be looked up. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Lookup failed	err			no	Culling could not look up a name. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Failed to set xattr with error %d [o=%08x]	err			no	The coherency record could not be written. The cache stops.	Disk full (-28), read-only (-30), no xattrs (-95).	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Failed to set xattr with error %d	err	5.17		no	The volume record could not be written. The cache stops.	Disk full (-28), read-only (-30), no xattrs (-95).	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Failed to read aux with error %zd [o=%08x]	err	5.17		no	The coherency record could not be read. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Failed to read xattr with error %zd	err	5.17		no	The volume record could not be read. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Can't remove xattr from %lu (error %d)	err			no	An object could not be marked stale for culling. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Readpage failed on backing file %lx [o=%08x]	err		5.16	no	Reading a cached page failed (old read path; no o= before 5.15). The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Write page to backing file failed [o=%08x]	err		5.16	no	Storing a page failed (old write path). The cache stops.	Disk error or full disk.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Failed to update xattr with error %d [o=%08x]	err		5.16	no	The coherency record could not be changed. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Can't update xattr on %lu (error %d) [o=%08x]	err		5.16	no	The coherency record could not be changed. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	I/O Error: Can't read xattr on %lu (err %d) [o=%08x]	err		5.16	no	The coherency record could not be read. The cache stops.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	Error: Unexpected object collision	err		5.16	mostly	A new object wants a backing file that a live old object owns. Old kernels crashed here (before 4.19).	Cookie reused before the old one was destroyed.	grep -A4 in dmesg: object lines; update to 5.17 or later
CacheFiles	Error: Overlong wait for old active object to go away	err		5.16	no	A lookup waited 60 s for the old object and is requeued.	Old object stuck: slow disk, starved workers.	cat /proc/fs/fscache/objects; state D kworkers
CacheFiles	Error: Object already active	err		5.16	no	An object was activated twice. BUG follows.	Kernel bug.	Update the kernel
CacheFiles	Error: Can't preemptively bury live object	err		5.16	mostly	A stale file belongs to a live object.	Race between two cookies.	Object lines below it
CacheFiles	%sobject: OBJ%x	err		5.16	no	Object description; a leading x marks the older one.	Follows another message.	the fields below
CacheFiles	%sobjstate=%s fl=%lx wbusy=%x ev=%lx[%lx]	err		5.16	no	State, flags, work state, pending events and event mask.	Follows another message.	the fields below
CacheFiles	%sops=%u inp=%u exc=%u	err		5.16	no	Operations queued, in progress, exclusive.	Follows another message.	ops > 0 for long: stuck operation
CacheFiles	%sparent=%p	err		5.16	no	Parent object (5.15: %x).	Follows another message.	
CacheFiles	%scookie=%p [pr=%p nd=%p fl=%lx]	err		5.16	no	Its cookie with flags; nd=0: the filesystem let go.	Follows another message.	
CacheFiles	%scookie=NULL	err		5.16	no	The object has no cookie any more.	Follows another message.	
CacheFiles	%skey=[%u] '%s'	err		5.16	no	Its key in hexadecimal.	Follows another message.	
CacheFiles	inode %lu is not a directory	err		5.16	no	An index directory of the cache is a file.	Damaged cache.	empty the cache directory
CacheFiles	Can't set xattr on %pd [%lu] (err %d)	err		5.16	no	The type label could not be written.	No xattrs or read-only.	mount options of the cache filesystem
CacheFiles	Can't read xattr on %pd [%lu] (err %d)	err		5.16	no	The type label could not be read.	Disk error.	dmesg for disk and file-system errors of the backing device; then restart cachefilesd
CacheFiles	Cache object %lu type xattr length incorrect	err		5.16	no	The type label is damaged.	Damaged cache.	empty the cache directory
CacheFiles	Cache object %pd [%lu] type %s not %s	err		5.16	no	An object has another type than expected.	Cache of an incompatible kernel.	empty the cache directory
CacheFiles	Cache object %lu xattr length incorrect	err		5.16	mostly	The coherency record is damaged; the object is replaced.	Crash.	
CacheFiles	Empty id specified	err	5.19	6.18	no	On-demand daemon sent copen without an id.	Daemon bug; on-demand mode is gone by 7.3.	daemon log
CacheFiles	Cache size is not specified	err	5.19	6.18	no	On-demand daemon sent copen without a size.	Daemon bug.	daemon log
CacheFiles	WANT_CACHE_SIZE is needed for on-demand mode	err	5.19	6.18	no	A filesystem asked for on-demand mode without that flag.	Filesystem bug.	
netfs	ZERO-LEN READ: R=%08x[%x] l=%zx/%zx s=%llx z=%llx i=%llx	err	6.12		no	A read slice came out with length 0. Values: slice and request length, start, zero point, i_size.	Race of file size changes; kernel bug.	trace of that R=
netfs	Unexpected read source %u	err	6.12		no	A slice has no valid source. A WARN follows.	Kernel bug.	trace of that request
netfs	Unexpected single-read source %u	warning	6.14		no	A slice of a directory or symlink has no valid source.	Kernel bug.	
netfs	Zero-sized read [R=%x]	err	5.18		mostly	A request of length 0 reached the library; it fails with -EIO.	Read at end of file through direct I/O, or filesystem bug.	cat /proc/fs/netfs/requests
netfs	netfs: Unexpected zero-length iterator R=%08x	warning	7.3		no	A direct write had nothing left to send; it fails with -EIO. The text repeats the prefix.	Kernel bug.	trace of that R=
netfs	[!] Writeback unlock found empty rolling buffer!	err	6.14		no	Collection of a write found no folios. The request dump follows.	Kernel bug.	the dump; trace of that R=
netfs	Request R=%08x r=%d fl=%lx or=%x e=%ld	err	6.14		no	Dump of a request: references, flags, origin number, error.	Follows another message.	flags as in netfs_rreq
netfs	  st=%llx tsl=%zx/%llx/%llx	err	6.14		no	Start; transferred / submitted / length.	Dump.	
netfs	  cci=%llx/%llx/%llx	err	6.14		no	Cleaned to / collected to / issued to.	Dump.	
netfs	  iw=%pSR	err	6.14		no	The filesystem's write function.	Dump.	
netfs	  str[%x] s=%x e=%d acnf=%u,%u,%u,%u	err	6.14		no	Stream: source, error; available, active, needs retry, failed.	Dump.	
netfs	  str[%x] ct=%llx t=%zx	err	6.14		no	Stream: collected to, transferred.	Dump.	
netfs	  sreq[%x:%x] sc=%u s=%llx t=%zx/%zx r=%d f=%lx	err	6.14		no	Slice: stream, index, source, start, transferred/length, references, flags.	Dump.	
netfs	Couldn't get user pages (rc=%zd)	err	6.3	6.18	mostly	The buffer of a direct read or write could not be pinned.	Bad user buffer or kernel bug. Debian 6.12 (a later stable) no longer prints it.	the program, not the filesystem
netfs	get_pages rc=%zd more than %zu	err	6.3	6.18	no	Page pinning returned too much.	Bad user buffer or kernel bug. Debian 6.12 (a later stable) no longer prints it.	
netfs	Out of bvec array capacity (%u vs %u)	err	6.3	6.18	no	Page pinning overran its array.	Bad user buffer or kernel bug. Debian 6.12 (a later stable) no longer prints it.	
netfs	R=%08x[%x] s=%llx-%llx ctl=%zx/%zx/%zx sl=%u	err	6.12	6.13	no	Part of the dump when read collection of 6.12 lost its place; a BUG or WARN follows.	Kernel bug in slice donation.	Update to 6.14 or later
netfs	folioq: fq=%x orders=%02x%02x%02x%02x %px	err	6.12	6.13	no	Part of the dump when read collection of 6.12 lost its place; a BUG or WARN follows.	Kernel bug in slice donation.	Update to 6.14 or later
netfs	folio: %llx-%llx ix=%llx o=%u qo=%u	err	6.12	6.13	no	Part of the dump when read collection of 6.12 lost its place; a BUG or WARN follows.	Kernel bug in slice donation.	Update to 6.14 or later
netfs	Can't donate prior to front	err	6.12	6.13	no	Read collection lost its place between slices and folios; a BUG or WARN follows, the lines below describe the slice.	Kernel bug in slice donation.	update to v6.14 or later, where slices no longer donate progress
netfs	fpos > start	err	6.12	6.13	no	Read collection lost its place between slices and folios; a BUG or WARN follows, the lines below describe the slice.	Kernel bug in slice donation.	update to v6.14 or later, where slices no longer donate progress
netfs	R=%08x[%x] s=%llx-%llx %zx/%zx/%zx	err	6.12	6.13	no	Part of the dump when read collection of 6.12 lost its place; a BUG or WARN follows.	Kernel bug in slice donation.	Update to 6.14 or later
netfs	folio: %llx-%llx	err	6.12	6.13	no	Part of the dump when read collection of 6.12 lost its place; a BUG or WARN follows.	Kernel bug in slice donation.	Update to 6.14 or later
netfs	donated: prev=%zx next=%zx	err	6.12	6.13	no	Part of the dump when read collection of 6.12 lost its place; a BUG or WARN follows.	Kernel bug in slice donation.	Update to 6.14 or later
netfs	s=%llx av=%zx part=%zx	err	6.12	6.13	no	Part of the dump when read collection of 6.12 lost its place; a BUG or WARN follows.	Kernel bug in slice donation.	Update to 6.14 or later
	Subreq overread: R%x[%x] %zd > %zu - %zu	warn-trace	5.13	6.11	mostly	A filesystem returned more data than asked. Cut and accepted.	Filesystem or server bug.	server; trace of that R=
	Subreq overread: R%x[%x] %zu > %zu	warn-trace	6.12	6.13	mostly	A filesystem returned more data than asked. Cut and accepted.	Filesystem or server bug.	trace of that R=
	Subreq excess write: R=%x[%x] %zd > %zu - %zu	warn-trace	6.10		mostly	A write reported more bytes than sent. Cut and accepted.	Filesystem or server bug.	trace of that R=
	R=%08x: folio %lx is not under writeback	warn-trace	6.10		no	A stored folio lost its write-back mark before collection.	Kernel bug; data may be lost.	trace: !wback
	R=%08x: folio %lx is not locked	warn-trace	6.14		no	A read folio was unlocked by someone else.	Kernel bug.	trace: !locked
	R=%08x: folio %lx is not marked private_2	warn-trace	6.12		no	Copying to the cache lost its mark.	Kernel bug (ceph, NFS).	
	Failed to collect inactive req R=%08x	warn-trace	6.16		no	A waiter found a request without any active stream that does not finish.	Kernel bug.	trace of that R=
	%s: extract_pages overrun %zd > %zu bytes	warn-trace	6.12		no	Page pinning overran its limit (stable 6.12 and 7.x; not in 6.18.15).	Kernel bug.	
	%s: extract_pages overrun %u > %u pages	warn-trace	6.12		no	Page pinning overran its limit (stable 6.12 and 7.x; not in 6.18.15).	Kernel bug.	
9p	Cache volume key already in use (%s)	err	5.17		no	Another mount uses the same cache key; this mount runs without cache.	Same export mounted twice with the same cachetag.	mount -o cachetag=<other>
9p	Unknown Cache mode %s	info		6.3	no	Bad cache= option.	Mount option.	mount options
9p	Unknown Cache mode or invalid value %s	info	6.4		no	Bad cache= option.	Mount option.	mount options
9p	Unknown access argument %s: %d	info			no	Bad access= option.	Mount option.	mount options
9p	Unknown uid %s	info			no	Bad access= user id.	Mount option.	mount options
9p	Could not find request transport: %s	info	7.0		no	The trans= module is missing (older: printed by 9pnet).	Module not loaded.	modprobe 9pnet_virtio, 9pnet_fd
9p	p9: multiple sources not supported	info	7.0		no	Two sources given.	Mount command.	
9p	Installing v9fs 9p2000 file system support	info			yes	9p is ready.	Module load.	
9p	Failed to register v9fs for caching	err			no	9p runs without cache support.	No memory or fscache missing.	
9p	Failed to register with sysfs	err			no	9p could not start.	Module clash.	
9p	Failed to register filesystem	err			no	9p could not start.	Module clash.	
9p	%s (%d): Problem allocating inode	warning		6.1	no	Inode allocation failed.	Memory.	free -m
	folio expected an open fid inode->i_ino=%lx	warn-trace	6.4		no	Write-back or a read found no open file handle for dirty data; the data cannot be sent.	File closed or server lost the fid; kernel bug.	trace: WB without UPLD, cancel-store
	unknown lock status code: %d	warn-trace	4.20	6.18	mostly	Server sent an unknown lock answer.	Server bug.	server
	AFS: Cache volume key already in use (%s)	err	5.17		no	Another mount uses the same cache key; runs without cache.	Volume mounted twice.	mount
	kAFS: vnode modified {%llx:%llu} %llx->%llx %s (op=%x)	warning	5.9		yes	The data version jumped by more than our own change: someone else wrote. Cached data is dropped and read again.	Another client wrote the file.	
	kAFS: Peer reset %s (op=%x)	warning	6.1		mostly	The server reset a call; it is retried.	Server restart.	cat /proc/fs/afs/*/servers
	kAFS: Unexpected error from FS.StoreData %d	notice	4.15	6.7	no	Write-back got an unknown error; the data is kept dirty.	Server.	server log
	kAFS: Volume %llu '%s' is %s	notice		6.7	mostly	Volume is offline, busy or moving.	Server work.	vos examine
	kAFS: Volume %llu '%s' on server %pU is %s	notice	6.8		mostly	The same with the server.	Server work.	vos examine
	kAFS: Peer reported %s failure on %s [%pISp]	notice			no	The peer could not decode our packet.	Version or security mismatch.	rxrpc trace
	kAFS: Call %u in bad state %u	err			no	A call is in an impossible state.	Kernel bug.	afs trace events
	kAFS: %s: Request buffer overflow (%zu>%u)	err	4.19		no	A request did not fit.	Kernel bug.	
	kAFS: %s: Request buffer underflow (%zu<%u)	warning	4.19		no	A request was shorter than planned.	Kernel bug.	
	kAFS: AFS vnode with undefined type %u	warning	5.4		no	The server sent an unknown file type; details follow on kAFS: lines.	Server or damaged volume.	salvage the volume
	kAFS: %s(%lx): [%llx] bad magic %zx/%zx is %04hx	err		6.13	no	Directory block is damaged; directory reads fail.	Damaged volume or cache; a dump follows.	salvage the volume; drop the cache object
	%s(%lx): [%zx] bad magic %04x	warning	6.14		no	Directory block is damaged.	Damaged volume or cache; a dump follows.	salvage the volume
	Mis-iteration prog=%zx len=%zx	err	6.14		no	Reading a directory image stopped early.	Kernel bug.	
	afs_read_dir(): Too many retries	warning	6.14		mostly	A directory changed faster than it could be read.	Busy directory.	
	kAFS: afs_d_revalidate: %pd2 has bad inode	warning			mostly	A directory entry points to a bad inode.	Failed earlier read.	ls again
	AFS: Failed to release lock on {%llx:%llx} error %d	warning			mostly	A file lock could not be released.	Server.	
	AFS: Failed to extend lock on {%llx:%llx} error %d	warning			no	A file lock was lost.	Server.	
	Vnode %llx:%llx:%x changed type %u to %u	warning	5.4		no	A file became a directory or the like.	Server reused the vnode.	
	kAFS: Red Hat AFS client v0.1 registering.	info			yes	AFS is ready.	Module load.	
	kAFS: Red Hat AFS client v0.1 unregistering.	info			yes	AFS goes away.	Module removal.	
	kAFS: failed to register: %d	err			no	AFS could not start.	Port 7001 in use.	ss -lun
	kAFS: %d active inode objects still present	err			no	Inodes leaked at unload.	Kernel bug.	
	kAFS: no volume name specified	err			no	Mount refused.	Mount source.	cat /proc/fs/afs/cells
	kAFS: unparsable volume name	err			no	Mount refused.	Mount source.	cat /proc/fs/afs/cells
	kAFS: unable to lookup cell '%*.*s'	err			no	Mount refused.	DNS or cell list.	cat /proc/fs/afs/cells
	kAFS: Can only specify source 'none' with -o dyn	err			no	Mount refused.	Mount option.	cat /proc/fs/afs/cells
	kAFS: No cell specified	err			no	Mount refused.	Mount source.	cat /proc/fs/afs/cells
	kAFS: Multiple sources not supported	err			no	Mount refused.	Mount command.	cat /proc/fs/afs/cells
	kAFS: bad VL server IP address	err			no	Mount refused.	Cell list.	cat /proc/fs/afs/cells
	kAFS: Invalid Command on /proc/fs/afs/cells file	err			no	Bad line written to that file.	Set-up script.	
	kAFS: Cell %s is an alias of %s	notice	5.8		yes	Two cell names for one cell.	DNS.	
	No record of cell %s	warning	5.3		no	The cell is unknown to DNS.	DNS.	dig SRV _afs3-vlserver._udp.<cell>
	EDESTADDR occurred	notice	4.20		no	No address of the server could be used. A dump of FC:, OP:, VC: and AC: lines follows (up to a few times).	Network or firewall; IPv6 only on one side.	cat /proc/fs/afs/*/servers
	Fileserver returned unexpected abort %d	warning	6.8		mostly	Unknown server error code.	Server.	server log
	Callback UUID does not match fileserver UUID	notice	6.8		mostly	A callback came from an unexpected server.	Cloned server.	
	Couldn't create RxGK CM key: %d	err	6.16		mostly	Secure callbacks are not available.	Key setup.	
CIFS	Cache volume key already in use (%s)	err	5.17		no	Another mount uses the same cache key; runs without cache.	Share mounted twice with different options.	mount; /proc/fs/cifs/DebugData
CIFS	VFS: No writable handle in writepages ret=%d	err	6.10		no	Dirty data but no writable handle: it cannot be sent (ret is -9 or -5). Write-back drops the data and fsync reports an error. Older text: "rc=%d".	File closed or reconnect lost the handle; read-only mapping written.	/proc/fs/cifs/open_files
CIFS	VFS: No writable handle in writepages rc=%d	err		6.9	no	Dirty data but no writable handle: it cannot be sent (ret is -9 or -5). Write-back drops the data and fsync reports an error. Older text: "rc=%d".	File closed or reconnect lost the handle; read-only mapping written.	/proc/fs/cifs/open_files
CIFS	Out of space writing to %s	warning	3.14		no	The server is full. Printed once.	Server disk or quota.	df on the server
CIFS	Serverclose failed %d times, giving up	warning	6.9		mostly	A handle could not be closed on the server.	Network.	/proc/fs/cifs/Stats
CIFS	swap activate: swapfile has holes	warning	5.8		no	swapon refused.	swapon.	
CIFS	Swap support over SMB3 is experimental	warning	5.8		yes	Note. Printed once.	swapon.	
	NFS: Cache volume key already in use (%s)	err	5.17		no	Another mount uses the same cache key; runs without cache.	Same export mounted twice with fsc and different options.	mount -o fsc=<tag>; cat /proc/fs/nfsfs/volumes (FSC column)
	NFS: Unknown network family '%d'	warning			mostly	The server address has no cache key; runs without cache.	Unusual transport.	
ceph	Unable to register fscache cookie for %s	err			no	Mount with fsc failed or runs without cache.	Same filesystem already cached under that key.	mount -o fsc=<tag>
kafs: addr_prefs	Too many elements in string	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Can't find closing ']'	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Can't determine address family	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Subnet mask too large	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Subnet mask too small	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Invalid address	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Wrong number of params	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Unsupported protocol	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Invalid priority	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
kafs: addr_prefs	Invalid Command	warning	6.8		no	A line written to /proc/fs/afs/addr_prefs was refused.	Set-up script.	cat /proc/fs/afs/addr_prefs
	FC: cbb=%x cbb2=%x fl=%x err=%hd	notice	4.20	6.7	no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	OP: cbb=%x cbb2=%x fl=%x err=%hd	notice	6.8		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	FC: ut=%lx ix=%d ni=%u	notice	4.20	6.7	no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	OP: ut=%lx ix=%d ni=%u	notice	6.8		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	OP: call  er=%d ac=%d r=%u	notice	6.8		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	FC: SL nr=%u pr=%u vnov=%hx	notice	4.20	6.7	no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	FC: SL nr=%u vnov=%hx	notice	6.8		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	FC: server fl=%lx av=%u %pU	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	FC:  - av=%u nr=%u/%u/%u pr=%u	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	FC:  - R=%lx F=%lx	notice	4.20	6.7	no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	FC:  - pq=%x R=%lx F=%lx	notice	6.8		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	FC:  - current	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	AC: t=%lx ax=%u ac=%d er=%d r=%u ni=%u	notice	4.20	6.7	no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	AC: t=%lx ax=%d	notice	6.8		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	AC: t=%lx ax=%u	notice	6.8		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	CELL: %s err=%d	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	DNS: src=%u st=%u lc=%x	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	VC: ut=%lx ix=%u ni=%hu fl=%hx err=%hd	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	VC: call  er=%d ac=%d r=%u	notice	6.8		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	VC: SL nr=%u ix=%u	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	VC: server %s+%hu fl=%lx E=%hd	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	VC:  - nr=%u/%u/%u pf=%u	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	VC:  - R=%lx F=%lx	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	VC:  - current	notice	4.20		no	Part of the dump after "EDESTADDR occurred": operation, server list, address list.	Follows another message.	
	AFS XDR: Bad status record	notice	5.3		no	The server sent a status that cannot be read; or part of that dump.	Server or network.	server log
	YFS XDR: Bad status record	notice	5.3		no	The server sent a status that cannot be read; or part of that dump.	Server or network.	server log
	Unknown AFSFetchStatus version %u	warning	5.3		no	The server sent a status that cannot be read; or part of that dump.	Server or network.	server log
	kAFS: A=%d m=%o s=%llx v=%llx	warning	5.4		no	The server sent a status that cannot be read; or part of that dump.	Server or network.	server log
	kAFS: vnode %llx:%llx:%x	warning	5.4		no	The server sent a status that cannot be read; or part of that dump.	Server or network.	server log
	kAFS: dir %llx:%llx:%x	warning	5.4		no	The server sent a status that cannot be read; or part of that dump.	Server or network.	server log
	DIR %llx:%llx f=%llx l=%llx al=%llx	warning	5.1	6.13	no	Dump of a damaged directory, or a local directory edit that does not fit; the directory is read again.	Damaged or concurrently changed directory.	salvage the volume if it repeats
	DIR %llx:%llx is=%llx	warning	6.14		no	Dump of a damaged directory, or a local directory edit that does not fit; the directory is read again.	Damaged or concurrently changed directory.	salvage the volume if it repeats
	DIR %llx %x %zx %zx	warning	5.1	6.13	no	Dump of a damaged directory, or a local directory edit that does not fit; the directory is read again.	Damaged or concurrently changed directory.	salvage the volume if it repeats
	[%02lx] %32phN	warning	5.1	6.13	no	Dump of a damaged directory, or a local directory edit that does not fit; the directory is read again.	Damaged or concurrently changed directory.	salvage the volume if it repeats
	[%05zx] %32phN	warning	6.14		no	Dump of a damaged directory, or a local directory edit that does not fit; the directory is read again.	Damaged or concurrently changed directory.	salvage the volume if it repeats
	%llx:%llx:%x: not head of chain b=%x p=%x,%x e=%x %*s	warning	6.14		no	Dump of a damaged directory, or a local directory edit that does not fit; the directory is read again.	Damaged or concurrently changed directory.	salvage the volume if it repeats
	%llx:%llx:%x: not prev in chain b=%x p=%x,%x e=%x %*s	warning	6.14		no	Dump of a damaged directory, or a local directory edit that does not fit; the directory is read again.	Damaged or concurrently changed directory.	salvage the volume if it repeats
	Failed to parse DNS data %ld	err	4.15		no	DNS answer unreadable.	DNS helper.	keyctl show; /etc/request-key.d
	kAFS: Got DNS record [%u,%u] len %zu	notice	4.20		mostly	DNS record of unknown form.	DNS helper.	
	DNS: at %zu	notice	4.20		mostly	Position of the error in a DNS record.	DNS helper.	
	AFS: Attempt to write to active swap file!	info		6.7	mostly	Write refused.	Swap on AFS.	
	kAFS: Failed to allocate inode cache	notice			no	AFS could not start.	Memory.	free -m
	Can't respond to unknown challenge %u:%u	warning	6.16		no	Server asks for an unknown security class.	Server set-up.	
	Appdata size incorrect %lx != %zx	err	6.16		no	Internal size mismatch of a security token.	Kernel bug.	
	Can't purge s=%08x	notice	4.15	6.7	mostly	A server record is still in use at unload.	Kernel bug.	
	Cell active count %u > 0	warn-trace	5.10		no	A cell was freed while in use.	Kernel bug.	
	workqueue: %s hogged CPU for >%dus %d times, consider switching to WQ_UNBOUND	warning	6.5		mostly	A work item ran long.	Large collections.	
	VFS: Busy inodes after unmount of %s	crit			no	Inodes survived the unmount.	Leaked reference, e.g. a request that never ended.	cat /proc/fs/netfs/requests before unmounting
`;

/** Functions that warn: function, first, last, meaning, cause, next. */
export const WARNING_ROWS = `
netfs_page_mkwrite	6.8		A mapped folio became writable without valid content, or has foreign private data. The program gets SIGBUS in the first case.	Kernel bug.	keep the call trace; update the kernel
netfs_perform_write	6.8		A folio has unknown private data, or writes with and without a group mix. The write fails with -EIO in the first case.	Kernel bug.	keep the call trace; update the kernel
netfs_writepages	6.10		Folios came in descending order, or a folio was left after an allocation failure.	Kernel bug.	keep the call trace; update the kernel
netfs_writeback_unlock_folios	6.10		See "not under writeback" or "empty rolling buffer".	Kernel bug.	keep the call trace; update the kernel
netfs_write_subrequest_terminated	6.10		See "Subreq excess write"; as BUG: slice with a wrong source.	Kernel bug.	keep the call trace; update the kernel
netfs_prepare_write	6.10		Stream with a wrong source.	Kernel bug.	keep the call trace; update the kernel
netfs_retry_write_stream	6.10		Stream with a wrong source in a retry.	Kernel bug.	keep the call trace; update the kernel
netfs_writeback_single	6.14		Directory write-back got a wrong buffer type.	Kernel bug.	keep the call trace; update the kernel
netfs_wb_end	7.3		Write-back lock released but not held.	Kernel bug.	keep the call trace; update the kernel
netfs_put_request	6.14		Clean-up of a request was queued twice.	Reference count error; memory corruption possible.	keep the call trace; update the kernel
netfs_put_failed_request	6.17		A refused request had other references.	Kernel bug.	keep the call trace; update the kernel
netfs_clear_unread	6.12		Rest of a short read does not match its iterator.	Kernel bug.	keep the call trace; update the kernel
netfs_unlock_read_folio	6.12	6.18	A read folio already has private data.	Kernel bug.	keep the call trace; update the kernel
netfs_buffered_read_iter	6.8		Buffered read on a direct or unbuffered file.	Filesystem bug.	keep the call trace; update the kernel
netfs_read_to_pagecache	6.12		See "Unexpected read source".	Kernel bug.	keep the call trace; update the kernel
netfs_single_dispatch_read	6.14		See "Unexpected single-read source".	Kernel bug.	keep the call trace; update the kernel
netfs_extract_user_iter	6.8		Direct I/O with an unsupported buffer type, or overrun.	Kernel bug.	keep the call trace; update the kernel
netfs_limit_bvec	6.12		Iterator of the wrong type or offset out of range (same for _kvec, _xarray, _folioq).	Kernel bug.	keep the call trace; update the kernel
rolling_buffer_bulk_load_from_ra	7.3		Readahead window without folios.	Kernel bug.	keep the call trace; update the kernel
netfs_rreq_perform_resubmissions	5.18	6.11	Retry ran in interrupt context.	Kernel bug.	keep the call trace; update the kernel
fscache_free_cookie	5.17		A cookie was freed while still on the LRU or in the hash; F-cookie lines follow.	Kernel bug.	keep the call trace; update the kernel
__fscache_relinquish_volume	5.17		A volume was given back twice.	Filesystem bug.	keep the call trace; update the kernel
cachefiles_create_tmpfile	5.17		A temporary file without an owner.	Kernel bug.	keep the call trace; update the kernel
cachefiles_ondemand_send_req	6.1	6.18	On-demand request for a closed object.	Kernel bug.	keep the call trace; update the kernel
nfs_netfs_init_request	6.12		The library asked NFS for an unsupported kind of request.	Kernel bug.	
ceph_fscache_register_inode_cookie	5.17		An inode got a second cookie.	Kernel bug.	
ceph_netfs_issue_read	5.18		A read does not start on a page.	Kernel bug.	
inode_dio_wait			Direct I/O count wrong.	Kernel bug.	
`;

/** Functions that end in a BUG: function, first, last, meaning, cause, next. */
export const BUG_ROWS = `
fscache_add_cache	5.17		A cache came online in the wrong state.	Kernel bug.	keep the whole oops; the task dies holding its locks
fscache_cookie_state_machine	5.17		Impossible cookie state.	Kernel bug.	keep the whole oops; the task dies holding its locks
__fscache_relinquish_cookie	5.17		Cookie given back while in use: the lines before say "n == 0 is false". Debugging builds only.	Kernel bug.	keep the whole oops; the task dies holding its locks
cachefiles_put_object	5.17		Object freed with an open file. Debugging builds only.	Kernel bug.	keep the whole oops; the task dies holding its locks
cachefiles_cook_key	5.17		Key too long for a file name.	Kernel bug.	keep the whole oops; the task dies holding its locks
cachefiles_mark_object_active		5.16	See "Error: Object already active".	Kernel bug.	keep the whole oops; the task dies holding its locks
fscache_put_operation		5.16	Operation released in the wrong state.	Kernel bug.	keep the whole oops; the task dies holding its locks
fscache_op_work_func		5.16	Operation ran in the wrong state.	Kernel bug.	keep the whole oops; the task dies holding its locks
fscache_free_cookie		5.16	Cookie freed with objects attached.	Kernel bug.	keep the whole oops; the task dies holding its locks
netfs_limit_iter	6.12		Unsupported buffer type.	Kernel bug.	keep the whole oops; the task dies holding its locks
netfs_write_subrequest_terminated	6.10		Slice with a wrong source.	Kernel bug.	keep the whole oops; the task dies holding its locks
netfs_rreq_terminated	5.13	6.1	Slice with a wrong source or state (6.1: also netfs_rreq_submit_slice, netfs_rreq_write_to_cache).	Kernel bug.	keep the whole oops; the task dies holding its locks
netfs_consume_read_data	6.12	6.13	Read collection lost its place; dump before it.	Kernel bug.	keep the whole oops; the task dies holding its locks
netfs_retry_read_subrequests	6.12	6.13	Retry with nothing left.	Kernel bug.	keep the whole oops; the task dies holding its locks
v9fs_vfs_write_folio_locked	5.18	6.3	9p: no write handle for dirty data.	Kernel bug.	keep the whole oops; the task dies holding its locks
v9fs_write_begin		6.3	9p: no write handle (also v9fs_vm_page_mkwrite).	Kernel bug.	keep the whole oops; the task dies holding its locks
v9fs_issue_read	7.3		9p: symlink read over an old protocol.	Kernel bug.	keep the whole oops; the task dies holding its locks
`;

/** Functions in which a task waits: function, first, last, what for, who wakes it, next. */
export const WAIT_ROWS = `
netfs_wait_for_read	6.12		request IN_PROGRESS (read); 6.16+: collects itself if not offloaded. Shown as netfs_wait_for_in_progress if not inlined	last slice ends -> collector	cat /proc/fs/netfs/requests; trace: front slice of that R=
netfs_wait_for_write	6.16		request IN_PROGRESS (write-through; 6.18 also direct write)	last slice ends -> collector	cat /proc/fs/netfs/requests
netfs_wait_for_in_progress	6.16		as netfs_wait_for_read, _write	collector	cat /proc/fs/netfs/requests
netfs_wait_for_paused_read	6.16		request PAUSE	collector, after retry or failure	trace: WAIT-QUIESCE, RESUBMT
netfs_wait_for_paused_write	6.16	6.19	request PAUSE (direct write)	collector	trace: PAUSE without UNPAUSE
netfs_wait_for_in_progress_stream	6.16		slice IN_PROGRESS: before a retry; 7.0+ every direct write	filesystem or cache ends the slice	trace: _WAIT names the slice
netfs_wait_for_put_ra_refs	7.3		request NEED_PUT_RA_REFS	task that does the readahead, after it issued slice 1	its stack: inside issue of slice 1
netfs_wait_for_outstanding_io	6.10		inode io_count = 0 (inlined: shows as v9fs_evict_inode, afs_evict_inode, cifs_evict_inode, cifs_setsize)	clean-up of the last request	cat /proc/fs/netfs/requests
netfs_wb_begin	7.3		inode write-back lock bit (netfs_wb_begin_wait)	collector of the WB, W1 or WT before	trace: that request without WAKE-IP
netfs_writepages	6.10		the write-back lock of the file if it sleeps on a mutex (up to v7.0), else the filesystem or the cache below it	task submitting the other write-back	stacks of other tasks in netfs_writepages
netfs_begin_read	5.18	6.11	outstanding slices = 0	last slice ends	cat /proc/fs/netfs/requests (6.8+)
netfs_start_io_read	6.8		inode rw-semaphore, shared; then end of direct I/O	holder: writer, truncate or direct I/O	other tasks on the same file
netfs_start_io_write	6.8		inode rw-semaphore, exclusive; then end of direct I/O	holder	other tasks on the same file
netfs_start_io_direct	6.8		inode rw-semaphore; then write-back of the whole file	holder; WB requests	trace: WB without WAKE-IP
netfs_perform_write	6.8		folio lock, folio write-back, pre-read or dirty throttling: see the function above it	see there	cat /proc/fs/netfs/requests
netfs_page_mkwrite	6.8		folio lock or folio write-back (killable)	reader or WB collector	trace: folio without clear or read-unlock
netfs_prefetch_for_write	6.8		pre-read of a partial page	RW request	cat /proc/fs/netfs/requests (RW)
netfs_invalidate_folio	6.8		PG_private_2: copy to the cache	2C collector or fscache_write_to_cache	cache disk
netfs_release_folio	6.8		PG_private_2	as above	cache disk
folio_wait_private_2	5.13		PG_private_2 (PG_fscache): write to the cache	cache write completion	cache disk; cat /proc/fs/fscache/stats
folio_wait_writeback	5.16		PG_writeback	WB collector, when server and cache are done	trace: store... without clear...
folio_wait_bit_common	5.16		folio lock (reader), or write-back	collector of the read (read-unlock) or write	trace: folio with read and no read-unlock
filemap_read			page read by readahead (killable)	RA or RP collector	cat /proc/fs/netfs/requests
balance_dirty_pages			share of dirty memory	write-back in general	grep -i dirty /proc/meminfo; cat /sys/kernel/debug/bdi/*/stats
fscache_begin_operation	5.17		cookie leaves state L, U or I. Message after 20 s	cookie worker (fscache_cookie_worker)	cat /proc/fs/fscache/cookies: s=
fscache_wait_for_operation	5.17		cookie becomes active. No message	cookie worker	cat /proc/fs/fscache/cookies
__fscache_use_cookie	5.17		cookie leaves state U (LRU discard)	cookie worker	cat /proc/fs/fscache/cookies
__fscache_acquire_cookie	5.17		old cookie with the same key is dropped (fscache_wait_on_collision). Message after 20 s	cookie worker of the old one	cat /proc/fs/fscache/cookies: old id of the message
__fscache_acquire_volume	5.17		old volume with the same key (ACQUIRE_PENDING). Message after 20 s	last user of the old volume	cat /proc/fs/fscache/volumes
fscache_create_volume	5.17		volume CREATING	volume worker (fscache_create_volume_work)	cache disk
fscache_withdraw_cache	5.17		accesses to the cache = 0	users of the cache	cat /proc/fs/fscache/caches
fscache_withdraw_volume	5.17		accesses to the volume = 0	users of the volume	cat /proc/fs/fscache/volumes
cachefiles_withdraw_cache	5.17		all objects of the cache released	cookie workers	cat /proc/fs/fscache/cookies: na, nA > 0
fscache_cookie_worker	5.17		not a wait: it is the worker others wait for. Look at what it calls		function above it
cachefiles_lookup_cookie	5.17		backing filesystem: lookup, tmpfile, rename	backing filesystem	its own stack below; cache disk
cachefiles_get_directory	5.17		directory lock or journal of the backing filesystem	backing filesystem	cache disk
cachefiles_look_up_object	5.17		directory lock of the backing filesystem	backing filesystem	cache disk
cachefiles_create_tmpfile	5.17		backing filesystem	backing filesystem	cache disk; df -h and df -i on the cache directory (see /etc/cachefilesd.conf)
cachefiles_commit_tmpfile	5.17		directory lock or journal	backing filesystem	cache disk
cachefiles_bury_object			rename lock of the backing filesystem	other renames	cache disk
cachefiles_cull			directory lock	lookups in the same directory	journalctl -u cachefilesd
cachefiles_do_prepare_read	5.17		seek in the backing file	backing filesystem	cache disk
cachefiles_has_space			statfs of the backing filesystem	backing filesystem	cache disk
__cachefiles_write	5.17		direct write to the backing file	backing disk	iostat -x
cachefiles_read	5.17		direct read of the backing file	backing disk	iostat -x
cachefiles_daemon_write			daemon mutex, or the command itself	other daemon command	journalctl -u cachefilesd
cachefiles_ondemand_send_req	5.19	6.18	answer of the on-demand daemon	the daemon (copen, cread)	is the daemon alive?
p9_client_rpc			answer of the 9p server (killable, then flush)	9p server	server process; ss -ti
p9_client_flush			answer to Tflush after a signal; ignores further signals	9p server	server process
afs_wait_for_operation	5.8		AFS call	file server	cat /proc/fs/afs/*/servers; rxrpc trace
afs_begin_vnode_operation	4.20		vnode I/O lock: one modifying call at a time	holder	other tasks on the same file
afs_writepages			validate lock of the file	truncate or validation	other tasks on the same file
smb2_wait_mtu_credits			SMB credits (interruptible)	server answers	/proc/fs/cifs/DebugData: Credits
wait_for_response			SMB answer	cifsd	/proc/fs/cifs/DebugData: MIDs
cifs_reopen_file			reopening a handle after reconnect	server	/proc/fs/cifs/DebugData
fscache_wait_for_deferred_lookup		5.16	cookie LOOKING_UP	object state machine	cat /proc/fs/fscache/objects; stats: Lookups
fscache_wait_for_operation_activation		5.16	operation to start: earlier exclusive operation on the object	operation before it	stats: Ops pend, run
__fscache_wait_on_page_write		5.16	page store to the cache	fscache_write_op	stats: Stores, Pages
__fscache_wait_on_invalidate		5.16	cookie INVALIDATING	invalidation operation	/proc/fs/fscache/objects
__fscache_disable_cookie		5.16	active operations of the cookie = 0	operations end	/proc/fs/fscache/objects: OPS
__fscache_relinquish_cookie		5.16	as __fscache_disable_cookie	operations end	/proc/fs/fscache/objects
cachefiles_mark_object_active		5.16	old object with the same file to go; message after 60 s	object state machine of the old one	/proc/fs/fscache/objects
cachefiles_read_copier		5.16	worker that copies from backing pages; others wait for it	backing disk	iostat -x
`;
