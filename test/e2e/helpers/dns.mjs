// helpers/dns.mjs -- a name server of a test's own, on loopback, that says what the test wants

import dgram from 'node:dgram';
import net from 'node:net';
import { isIP } from 'node:net';

const TYPES = { A: 1, AAAA: 28, SRV: 33 };
const CODES = { servfail: 2, nxdomain: 3, refused: 5 };

const nameBytes = (name) => Buffer.concat([
  ...name.split('.').filter(Boolean).map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
  Buffer.from([0]),
]);

function data(record) {
  if (record.target !== undefined) {
    const fixed = Buffer.alloc(6);
    [record.priority ?? 0, record.weight ?? 1, record.port].forEach((n, i) => fixed.writeUInt16BE(n, 2 * i));
    return Buffer.concat([fixed, nameBytes(record.target)]);
  }
  if (isIP(record.address) === 4) return Buffer.from(record.address.split('.').map(Number));
  return Buffer.concat([Buffer.alloc(15), Buffer.from([1])]); // ::1
}

const typeOf = (record) => (record.target !== undefined ? TYPES.SRV : isIP(record.address) === 4 ? TYPES.A : TYPES.AAAA);

/**
 * `zone` is what it answers, by name, and may be changed at any time: a list of { address } and
 * { target, port, weight, priority } with a `ttl` in seconds (1); 'servfail', 'nxdomain', 'refused',
 * 'silent', or 'garbage'. A name that is not there is nxdomain. `truncate`: names that are cut off over
 * UDP. { at, zone, asked: by name, close }
 */
export async function nameServer(zone = {}, { truncate = [] } = {}) {
  const self = { zone, asked: {} };
  const answer = (query, overTcp) => {
    let at = 12, name = '';
    while (query[at]) {
      name += `${name && '.'}${query.toString('latin1', at + 1, at + 1 + query[at])}`;
      at += 1 + query[at];
    }
    const question = query.subarray(12, at + 5), type = query.readUInt16BE(at + 1);
    const said = self.zone[name.toLowerCase()] ?? 'nxdomain';
    self.asked[name] = (self.asked[name] ?? 0) + 1;
    if (said === 'silent') return null;
    if (said === 'garbage') return Buffer.concat([query.subarray(0, 2), Buffer.from('8180000100050000', 'hex'), Buffer.alloc(40, 0xc0)]);
    const cut = !overTcp && truncate.includes(name);
    const records = cut || typeof said === 'string' ? [] : said.filter((record) => typeOf(record) === type);
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | (cut ? 0x200 : 0) | (CODES[said] ?? 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, question, ...records.flatMap((record) => {
      const fixed = Buffer.from('c00c000000010000000000' + '00', 'hex'), bytes = data(record);
      fixed.writeUInt16BE(type, 2);
      fixed.writeUInt32BE(record.ttl ?? 1, 6);
      fixed.writeUInt16BE(bytes.length, 10);
      return [fixed, bytes];
    })]);
  };
  const bound = (socket, listen) => new Promise((done, failed) => socket.once('error', failed) && listen(done));
  let udp, tcp;
  for (;;) { // a port that both have
    tcp = net.createServer((socket) => {
      socket.on('error', () => {}).on('data', (bytes) => {
        const said = answer(bytes.subarray(2), true);
        if (!said) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(said.length);
        socket.end(Buffer.concat([length, said]));
      });
    });
    await bound(tcp, (done) => tcp.listen(0, '127.0.0.1', done));
    udp = dgram.createSocket('udp4');
    try {
      await bound(udp, (done) => udp.bind(tcp.address().port, '127.0.0.1', done));
      break;
    } catch {
      udp.close();
      tcp.close();
    }
  }
  udp.on('error', () => {}).on('message', (bytes, from) => {
    const said = answer(bytes, false);
    if (said) udp.send(said, from.port, from.address);
  });
  self.at = `127.0.0.1:${tcp.address().port}`;
  self.close = () => (udp.close(), tcp.close());
  return self;
}
