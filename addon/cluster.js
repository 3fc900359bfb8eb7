'use strict';
/* addon/cluster.js -- listen() in a child of the app's own cluster
 *
 * A part of agent.node (addon/part.c).
 */

/* In a child of the app's cluster, Node would have the primary listen. The child listens by
 * itself; Node's own bookkeeping is kept by answering its query to the primary here, so that
 * disconnect(), 'listening' and worker.state work as they are documented. */
module.exports = function clusterChildPatch(cluster, { addon, ask, pipeOpen }) {
  const net = require('net');
  const getServer = cluster._getServer;
  let keys = 0;

  cluster._getServer = function (server, options, done) {
    const ours = server instanceof net.Server && !(options.fd >= 0);
    const { address, port, addressType, backlog, flags } = options;
    const answer = ours ? ask(server, address, port, addressType, backlog, flags) : null;
    if (answer === null) return getServer.call(this, server, options, done);

    const { send } = process;
    let query = null;
    process.send = (message) => {
      query = message;
      return true;
    };
    try {
      getServer.call(this, server, options, done);
    } finally {
      process.send = send;
    }
    setImmediate(() => {
      const refused = typeof answer === 'number';
      const maker = new net.Server().on('error', () => {});
      const handle = refused || !query ? null : pipeOpen(maker, answer, backlog);
      if (!query) return refused ? undefined : addon.unlisten(answer.listener);
      maker._handle = null;
      const errno = refused ? -answer : handle ? 0 : -98;
      const reply = { cmd: 'NODE_CLUSTER', ack: query.seq, key: `fettle:${keys++}`, errno, data: query.data };
      process.emit('internalMessage', reply, handle ?? undefined);
      return undefined;
    });
    return undefined;
  };
};
