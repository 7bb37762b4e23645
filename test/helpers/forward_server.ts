/** A server that hands everything on to another one: what faults are made from (`wrapServer`). */
import type { Server } from '../../src/core/server/types.js';

/** A server like `server` but for the members in `changes`. */
export function forward(server: Server, changes: Partial<Server>): Server {
  return {
    root: server.root,
    counters: server.counters,
    callbacks: server.callbacks,
    look: (file) => server.look(file),
    open: (...args) => server.open(...args),
    create: (...args) => server.create(...args),
    makeWritable: (...args) => server.makeWritable(...args),
    getStatus: (...args) => server.getStatus(...args),
    fetch: (...args) => server.fetch(...args),
    store: (...args) => server.store(...args),
    setSize: (...args) => server.setSize(...args),
    sync: (...args) => server.sync(...args),
    close: (...args) => server.close(...args),
    change: (...args) => server.change(...args),
    shutDown: () => server.shutDown(),
    list: (...args) => server.list(...args),
    filesIn: (...args) => server.filesIn(...args),
    namespace: server.namespace,
    nodeStatus: (...args) => server.nodeStatus(...args),
    changeOpen: (...args) => server.changeOpen(...args),
    seek: (...args) => server.seek(...args),
    allocate: (...args) => server.allocate(...args),
    unlinked: (...args) => server.unlinked(...args),
    prepareWriting: (...args) => server.prepareWriting(...args),
    ...changes,
  };
}
