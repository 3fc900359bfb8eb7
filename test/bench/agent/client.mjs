/* The load of the stand: closed loop over kept connections to unix sockets, raw bytes.
 *
 * stdin:  PATH CONNECTIONS REQUESTS HEAD   (HEAD in JSON: the whole request)
 * stdout: "done" when so many answers have come. Connections stay for the next burst. */
import net from 'node:net';
import readline from 'node:readline';

const pools = new Map();
const END = Buffer.from('\r\n\r\n');

/* Answers of one server are alike: the first one tells how long they are. */
class Connection {
  got = 0;
  constructor(pool, path) {
    this.pool = pool;
    this.socket = net.connect(path).on('data', (data) => this.take(data)).on('error', () => {});
    this.socket.on('close', () => pools.delete(path)); /* the server has ended; its path may have a new one */
  }
  take(data) {
    this.pool.bytes ??= data.indexOf(END) + 4 + Number(/content-length: (\d+)/i.exec(data.latin1Slice())[1]);
    this.got += data.length;
    if (this.got < this.pool.bytes) return;
    this.got -= this.pool.bytes;
    this.pool.answered();
    this.next();
  }
  next() {
    if (this.pool.left-- > 0) this.socket.write(this.pool.head);
  }
}

class Pool {
  connections = [];
  left = 0;
  answers = 0;
  async burst(path, connections, requests, head) {
    while (this.connections.length < connections) this.connections.push(new Connection(this, path));
    Object.assign(this, { head: Buffer.from(head, 'latin1'), left: requests, answers: requests });
    const done = new Promise((resolve) => (this.done = resolve));
    for (const connection of this.connections) connection.next();
    await done;
  }
  answered() {
    if (--this.answers === 0) this.done();
  }
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [path, connections, requests, head] = JSON.parse(line);
  if (!pools.has(path)) pools.set(path, new Pool());
  await pools.get(path).burst(path, connections, requests, head);
  process.stdout.write('done\n');
}
