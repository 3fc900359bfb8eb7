// setup.js -- what both apps have: data, a pipe into which somebody writes late, the addon

const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const sqlite = process.getBuiltinModule?.('node:sqlite'); // since Node 22

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fettle-blocks-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
const fifo = path.join(folder, 'slow');
execFileSync('mkfifo', [fifo]);

const orders = Array.from({ length: 400_000 }, (_, id) => ({ id, customer: `customer ${id}`, total: id / 7 }));

module.exports = {
  orders,
  text: JSON.stringify([...orders, ...orders, ...orders]),
  bytes: Buffer.alloc(64 << 20, Array.from({ length: 4096 }, (_, i) => (i * i) % 251)),
  subject: 'a'.repeat(23) + '!',
  /** The path of a module that require() loads anew. */
  notYetLoaded(name) {
    const file = path.join(__dirname, name);
    delete require.cache[file];
    return file;
  },
  addon: () => require(process.env.BLOCKS_ADDON),
  /** A statement of SQLite that counts to its parameter, row by row. */
  countMany() {
    const count = 'WITH RECURSIVE row(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < ?) SELECT count(*) AS rows FROM row';
    return new sqlite.DatabaseSync(':memory:').prepare(count);
  },
  /** A file on a slow disk: its bytes come after 300 ms. */
  slowFile() {
    spawn('sh', ['-c', 'sleep 0.3; echo late >"$0"', fifo], { stdio: 'ignore' });
    return fifo;
  },
};
