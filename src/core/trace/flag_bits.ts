/** Names of the bits that `f=` prints, by era. Called by help texts and timelines. */
import { type Era, inEra, type PerEra } from './eras.js';

/** Whose flags: a request's (NETFS_RREQ_*) or a subrequest's (NETFS_SREQ_*). */
export type FlagSet = 'rreq' | 'sreq';

/** Names in the order of their bits; '' = no name. */
type Bits = readonly string[];

/** `0:NAME 5:OTHER` as names in the order of their bits. */
function bits(list: string): Bits {
  const names: string[] = Array(32).fill('');
  for (const each of list.trim().split(/\s+/)) {
    const [bit, name] = each.split(':');
    names[Number(bit)] = name as string;
  }
  return names;
}

const RREQ: PerEra<Bits> = {
  E0: bits(`0:INCOMPLETE_IO 1:WRITE_TO_CACHE 2:NO_UNLOCK_PAGE 3:DONT_UNLOCK_PAGES 4:FAILED
    5:IN_PROGRESS`),
  E2: bits(`0:INCOMPLETE_IO 1:WRITE_TO_CACHE 2:NO_UNLOCK_FOLIO 3:DONT_UNLOCK_FOLIOS 4:FAILED
    5:IN_PROGRESS`),
  E3: bits(`0:INCOMPLETE_IO 1:COPY_TO_CACHE 2:NO_UNLOCK_FOLIO 3:DONT_UNLOCK_FOLIOS 4:FAILED
    5:IN_PROGRESS`),
  E4: bits(`0:INCOMPLETE_IO 1:COPY_TO_CACHE 2:NO_UNLOCK_FOLIO 3:DONT_UNLOCK_FOLIOS 4:FAILED
    5:IN_PROGRESS 7:WRITE_TO_CACHE 8:UPLOAD_TO_SERVER 9:NONBLOCK 10:BLOCKED`),
  E5: bits(`0:INCOMPLETE_IO 1:COPY_TO_CACHE 2:NO_UNLOCK_FOLIO 3:DONT_UNLOCK_FOLIOS 4:FAILED
    5:IN_PROGRESS 7:WRITE_TO_CACHE 8:UPLOAD_TO_SERVER 9:NONBLOCK 10:BLOCKED 11:PAUSE
    12:USE_IO_ITER 13:ALL_QUEUED 31:USE_PGPRIV2`),
  E6: bits(`1:COPY_TO_CACHE 2:NO_UNLOCK_FOLIO 3:DONT_UNLOCK_FOLIOS 4:FAILED 5:IN_PROGRESS
    8:UPLOAD_TO_SERVER 9:NONBLOCK 10:BLOCKED 11:PAUSE 12:USE_IO_ITER 13:ALL_QUEUED
    14:NEED_RETRY 31:USE_PGPRIV2`),
  E7: bits(`0:OFFLOAD_COLLECTION 2:NO_UNLOCK_FOLIO 3:DONT_UNLOCK_FOLIOS 4:FAILED 5:IN_PROGRESS
    6:FOLIO_COPY_TO_CACHE 8:UPLOAD_TO_SERVER 9:NONBLOCK 10:BLOCKED 11:PAUSE 12:USE_IO_ITER
    13:ALL_QUEUED 14:RETRYING 31:USE_PGPRIV2`),
  // Numbered anew in v6.16.
  E8: bits(`0:IN_PROGRESS 1:ALL_QUEUED 2:PAUSE 3:FAILED 4:RETRYING 5:SHORT_TRANSFER
    8:OFFLOAD_COLLECTION 9:NO_UNLOCK_FOLIO 10:FOLIO_COPY_TO_CACHE 11:UPLOAD_TO_SERVER
    12:USE_IO_ITER 31:USE_PGPRIV2`),
  E11: bits(`0:IN_PROGRESS 1:ALL_QUEUED 2:PAUSE 3:FAILED 4:RETRYING 5:SHORT_TRANSFER
    8:OFFLOAD_COLLECTION 9:NO_UNLOCK_FOLIO 10:CANCEL_CACHING 11:UPLOAD_TO_SERVER 12:USE_IO_ITER
    17:NEED_PUT_RA_REFS 31:USE_PGPRIV2`),
  E13: bits(`0:IN_PROGRESS 1:ALL_QUEUED 2:PAUSE 3:FAILED 4:RETRYING 5:SHORT_TRANSFER 8:CACHE_STOP
    9:CACHE_ERROR 10:CANCEL_CACHING 12:OFFLOAD_COLLECTION 13:NO_UNLOCK_FOLIO 14:UPLOAD_TO_SERVER
    15:USE_IO_ITER 17:NEED_PUT_RA_REFS 31:USE_PGPRIV2`),
};

const SREQ: PerEra<Bits> = {
  E0: bits('0:WRITE_TO_CACHE 1:CLEAR_TAIL 2:SHORT_READ 3:SEEK_DATA_READ 4:NO_PROGRESS'),
  E3: bits(`0:COPY_TO_CACHE 1:CLEAR_TAIL 2:SHORT_IO 3:SEEK_DATA_READ 4:NO_PROGRESS 5:ONDEMAND`),
  E5: bits(`0:COPY_TO_CACHE 1:CLEAR_TAIL 2:SHORT_IO 3:SEEK_DATA_READ 4:NO_PROGRESS 5:ONDEMAND
    6:BOUNDARY 8:IN_PROGRESS 9:NEED_RETRY 10:RETRYING 11:FAILED`),
  E6: bits(`0:COPY_TO_CACHE 1:CLEAR_TAIL 3:SEEK_DATA_READ 4:NO_PROGRESS 5:ONDEMAND 6:BOUNDARY
    7:HIT_EOF 8:IN_PROGRESS 9:NEED_RETRY 10:RETRYING 11:FAILED`),
  E7: bits(`0:COPY_TO_CACHE 1:CLEAR_TAIL 3:SEEK_DATA_READ 4:MADE_PROGRESS 5:ONDEMAND 6:BOUNDARY
    7:HIT_EOF 8:IN_PROGRESS 9:NEED_RETRY 10:FAILED`),
  E8: bits(`0:COPY_TO_CACHE 1:CLEAR_TAIL 4:MADE_PROGRESS 5:ONDEMAND 6:BOUNDARY 7:HIT_EOF
    8:IN_PROGRESS 9:NEED_RETRY 10:FAILED`),
  E12: bits(`0:COPY_TO_CACHE 1:CLEAR_TAIL 4:MADE_PROGRESS 6:BOUNDARY 7:HIT_EOF 8:IN_PROGRESS
    9:NEED_RETRY 10:FAILED`),
  E13: bits(`0:COPY_TO_CACHE 1:CLEAR_TAIL 4:MADE_PROGRESS 6:BOUNDARY 7:HIT_EOF 8:IN_PROGRESS
    9:NEED_RETRY 10:FAILED 11:CANCELLED`),
};

/** The names of the bits set in `value`, lowest first; a bit without a name is `bit<N>`. */
export function flagNames(era: Era, set: FlagSet, value: number): readonly string[] {
  const known = inEra(set === 'rreq' ? RREQ : SREQ, era) ?? [];
  const names: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((value >>> bit) & 1) names.push(known[bit] || `bit${bit}`);
  }
  return names;
}

/** The mask of a flag by name, 0 where the era does not have it. */
export function flagMask(era: Era, set: FlagSet, name: string): number {
  const bit = (inEra(set === 'rreq' ? RREQ : SREQ, era) ?? []).indexOf(name);
  return bit < 0 ? 0 : 2 ** bit;
}
