// The same with import(): a query makes the module new, and the loader keeps every one.
import http from 'node:http';

let n = 0;

async function settings() {
  const { default: found } = await import(`../settings.mjs?version=${n++}`);
  return found;
}

http
  .createServer(async (req, res) => {
    res.end(`${(await settings()).title}\n`);
  })
  .listen(process.env.PORT ?? 3000);
