/**
 * Members of the few kernel structs that events embed and print: a format file gives the struct's
 * place and not what is in it. Called by the expression parser.
 *
 * Kernel: fs/afs/afs.h, include/rxrpc/packet.h, include/uapi/linux/{rxrpc,errqueue}.h.
 */

/** Offset and size in bytes of a member, and whether it is signed; 28 bytes are an address. */
export type Member = readonly [offset: number, size: number, signed?: boolean];

/** As on the wire, where the numbers are big-endian and formats swap them, and as in memory. */
const RXRPC_HEADER: Readonly<Record<string, Member>> = {
  epoch: [0, 4],
  cid: [4, 4],
  callNumber: [8, 4],
  seq: [12, 4],
  serial: [16, 4],
  type: [20, 1],
  flags: [21, 1],
  userStatus: [22, 1],
  securityIndex: [23, 1],
  serviceId: [26, 2],
};

/** Members by struct and path. */
export const STRUCTS: Readonly<Record<string, Readonly<Record<string, Member>>>> = {
  afs_fid: { vid: [0, 8], vnode: [8, 8], vnode_hi: [16, 4], unique: [20, 4] },
  rxrpc_wire_header: RXRPC_HEADER,
  rxrpc_host_header: RXRPC_HEADER,
  sockaddr_rxrpc: { srx_family: [0, 2], srx_service: [2, 2], transport: [8, 28] },
  sock_extended_err: {
    ee_errno: [0, 4],
    ee_origin: [4, 1],
    ee_type: [5, 1],
    ee_code: [6, 1],
    ee_info: [8, 4],
    ee_data: [12, 4],
  },
};
