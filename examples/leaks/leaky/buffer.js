'use strict';
// Thumbnails by picture: small objects on the heap, all the weight outside of it.
const http = require('node:http');

const thumbnails = new Map();

function thumbnail(picture) {
  if (!thumbnails.has(picture)) thumbnails.set(picture, Buffer.alloc(16_384, picture));
  return thumbnails.get(picture);
}

let n = 0;
http
  .createServer((req, res) => {
    res.end(thumbnail(`picture-${n++}`));
  })
  .listen(process.env.PORT ?? 3000);
