// import() in the handler: the module is loaded once.
import http from 'node:http';

async function settings() {
  const { default: found } = await import('../settings.mjs');
  return found;
}

http
  .createServer(async (req, res) => {
    res.end(`${(await settings()).title}\n`);
  })
  .listen(process.env.PORT ?? 3000);
