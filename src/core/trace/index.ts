/** The registry of tracepoints: adding an event is a definition in events/ and a row here. */

import type { DescribedColumn, DescribedKernel } from './described.js';
import { descriptionOf, type Era } from './eras.js';
import * as v9fs from './events/9p.js';
import * as afs from './events/afs.js';
import * as cachefiles from './events/cachefiles.js';
import * as ceph from './events/ceph.js';
import * as fscache from './events/fscache.js';
import * as netfs from './events/netfs.js';
import * as write from './events/netfs_write.js';
import * as nfs from './events/nfs.js';
import * as own from './events/own.js';
import * as smb3 from './events/smb3.js';
import { symbols } from './symbols.js';
import { type AnyTracepoint, type Column, tracepoint } from './tracepoint.js';

/** Every tracepoint, in the order of their record numbers. */
export const TRACEPOINTS = [
  netfs.netfsRead,
  netfs.netfsRreq,
  netfs.netfsSreq,
  netfs.netfsFailure,
  netfs.netfsRreqRef,
  netfs.netfsSreqRef,
  write.netfsFolio,
  write.netfsWriteIter,
  write.netfsWrite,
  write.netfsCollect,
  write.netfsCollectContig,
  write.netfsCollectSreq,
  write.netfsCollectFolio,
  write.netfsCollectState,
  write.netfsCollectGap,
  write.netfsCollectStream,
  write.netfsProgress,
  write.netfsDonate,
  write.netfsFolioq,
  write.netfsCopy2cache,
  write.netfsReadProgressAt,
  write.netfsTruncate,
  fscache.fscacheCache,
  fscache.fscacheVolume,
  fscache.fscacheCookie,
  fscache.fscacheActive,
  fscache.fscacheAccessCache,
  fscache.fscacheAccessVolume,
  fscache.fscacheAccess,
  fscache.fscacheAcquire,
  fscache.fscacheRelinquish,
  fscache.fscacheInvalidate,
  fscache.fscacheResize,
  fscache.fscacheNetfs,
  fscache.fscacheEnable,
  fscache.fscacheDisable,
  fscache.fscacheOsm,
  fscache.fscachePage,
  fscache.fscacheCheckPage,
  fscache.fscacheWakeCookie,
  fscache.fscacheOp,
  fscache.fscachePageOp,
  fscache.fscacheWrotePage,
  fscache.fscacheGangLookup,
  cachefiles.cachefilesRef,
  cachefiles.cachefilesLookup,
  cachefiles.cachefilesMkdir,
  cachefiles.cachefilesCreate,
  cachefiles.cachefilesTmpfile,
  cachefiles.cachefilesLink,
  cachefiles.cachefilesUnlink,
  cachefiles.cachefilesRename,
  cachefiles.cachefilesCoherency,
  cachefiles.cachefilesVolCoherency,
  cachefiles.cachefilesPrepRead,
  cachefiles.cachefilesRead,
  cachefiles.cachefilesWrite,
  cachefiles.cachefilesTrunc,
  cachefiles.cachefilesMarkActive,
  cachefiles.cachefilesMarkFailed,
  cachefiles.cachefilesMarkInactive,
  cachefiles.cachefilesWaitActive,
  cachefiles.cachefilesMarkBuried,
  cachefiles.cachefilesVfsError,
  cachefiles.cachefilesIoError,
  cachefiles.cachefilesNoSpace,
  cachefiles.cachefilesOndemandOpen,
  cachefiles.cachefilesOndemandCopen,
  cachefiles.cachefilesOndemandClose,
  cachefiles.cachefilesOndemandRead,
  cachefiles.cachefilesOndemandCread,
  cachefiles.cachefilesOndemandFdWrite,
  cachefiles.cachefilesOndemandFdRelease,
  v9fs.p9ClientReq,
  v9fs.p9ClientRes,
  v9fs.p9ProtocolDump,
  v9fs.p9FidRef,
  afs.afsCall,
  afs.afsCallDone,
  afs.afsCallState,
  afs.afsMakeFsCall,
  afs.afsMakeFsCall1,
  afs.afsMakeFsCall2,
  afs.afsMakeFsCalli,
  afs.afsMakeCall,
  afs.afsMakeVlCall,
  afs.afsNotifyCall,
  afs.afsReceiveData,
  afs.afsSendData,
  afs.afsSentData,
  afs.afsIoError,
  afs.afsFileError,
  afs.afsProtocolError,
  afs.afsFolioDirty,
  afs.afsCbBreak,
  afs.afsCbCall,
  afs.afsRotate,
  afs.afsLookup,
  nfs.nfsAopReadahead,
  nfs.nfsAopReadaheadDone,
  nfs.nfsAopReadpage,
  nfs.nfsAopReadpageDone,
  nfs.nfsInitiateRead,
  nfs.nfsReadpageDone,
  nfs.nfsReadpageShort,
  nfs.nfsPgioError,
  nfs.nfsInitiateWrite,
  nfs.nfsWritebackDone,
  nfs.nfsWriteError,
  nfs.nfsCompError,
  nfs.nfsCommitError,
  nfs.nfsInitiateCommit,
  nfs.nfsCommitDone,
  nfs.nfsWritebackFolio,
  nfs.nfsWritebackFolioDone,
  nfs.nfs4Read,
  nfs.nfs4Write,
  smb3.smb3ReadEnter,
  smb3.smb3ReadDone,
  smb3.smb3ReadErr,
  smb3.smb3WriteEnter,
  smb3.smb3WriteDone,
  smb3.smb3WriteErr,
  smb3.smb3CmdEnter,
  smb3.smb3CmdDone,
  smb3.smb3CmdErr,
  smb3.smb3OpenEnter,
  smb3.smb3OpenDone,
  smb3.smb3OpenErr,
  smb3.smb3CloseEnter,
  smb3.smb3CloseDone,
  smb3.smb3CloseErr,
  smb3.smb3RwCredits,
  smb3.smb3Reconnect,
  smb3.smb3SlowRsp,
  ceph.cephMdscSubmitRequest,
  ceph.cephMdscSuspendRequest,
  ceph.cephMdscResumeRequest,
  ceph.cephMdscSendRequest,
  ceph.cephMdscCompleteRequest,
  ceph.cephHandleCaps,
  own.netfslabPrepRead,
  own.netfslabDisagreement,
  own.netfslabCull,
  own.netfslabUse,
  afs.afsPageDirty,
] as const satisfies readonly AnyTracepoint[];

/** The tracepoints of an era, and how they are found. */
interface Vocabulary {
  readonly all: readonly AnyTracepoint[];
  readonly byRecord: ReadonlyMap<number, AnyTracepoint>;
  readonly byName: ReadonlyMap<string, AnyTracepoint>;
}

function vocabulary(all: readonly AnyTracepoint[]): Vocabulary {
  const byRecord = new Map(all.map((each) => [each.record, each]));
  return { all, byRecord, byName: new Map(all.map((each) => [each.name, each])) };
}

const KNOWN = vocabulary(TRACEPOINTS);
const described = new Map<DescribedKernel, Vocabulary>();

/** The highest record number in use by the known tracepoints. */
export const MAX_RECORD = Math.max(...KNOWN.byRecord.keys());
/** The first record number of events that only a described kernel has. */
const DESCRIBED_RECORD = 4096;

function vocabularyOf(era: Era | undefined): Vocabulary {
  const kernel = era === undefined ? undefined : descriptionOf(era);
  if (kernel === undefined) return KNOWN;
  let found = described.get(kernel);
  if (found === undefined) {
    found = vocabulary(tracepointsOfKernel(kernel));
    described.set(kernel, found);
  }
  return found;
}

function tracepointsOfKernel({ events, columns }: DescribedKernel): AnyTracepoint[] {
  const known = TRACEPOINTS.map((each: AnyTracepoint) => {
    const more = columns[each.name];
    return more === undefined ? each : each.widened(more.map(columnOf));
  });
  const added = Object.entries(events).map(([name, each], i) =>
    tracepoint({
      name,
      system: each.system,
      doc: 'An event that only the format files of this kernel describe.',
      kernel: 'its format file',
      record: DESCRIBED_RECORD + i,
      columns: each.columns.map(columnOf),
    }),
  );
  return [...known, ...added];
}

function columnOf({ name, kind, table }: DescribedColumn): Column {
  const words = table === undefined ? null : symbols(table);
  const doc = 'A field that only the format files of this kernel describe.';
  return { name, kind, doc, symbols: words, flags: null };
}

/** The tracepoints of an era; those of a described kernel have its columns and its own events. */
export function tracepointsIn(era: Era): readonly AnyTracepoint[] {
  return vocabularyOf(era).all;
}

/** The tracepoint of a record number, undefined if there is none. */
export function tracepointOfRecord(record: number, era?: Era): AnyTracepoint | undefined {
  return vocabularyOf(era).byRecord.get(record);
}

/** The tracepoint of a name, undefined if there is none. */
export function tracepointNamed(name: string, era?: Era): AnyTracepoint | undefined {
  return vocabularyOf(era).byName.get(name);
}
