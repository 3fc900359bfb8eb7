'use strict';
// Product pictures: a drawn one until somebody uploads a photo.

const fs = require('node:fs');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const { Transform } = require('node:stream');
const { randomUUID } = require('node:crypto');
const busboy = require('busboy');
const { folder } = require('./db.js');
const { html } = require('./html.js');
const catalogue = require('./catalogue.js');

const BYTES_MAX = 4 << 20;
const pictures = path.join(folder, 'pictures');

const types = [
  { type: 'image/png', end: 'png', head: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) },
  { type: 'image/jpeg', end: 'jpg', head: Buffer.from([0xff, 0xd8, 0xff]) },
  { type: 'image/gif', end: 'gif', head: Buffer.from('GIF8') },
];

class Unfit extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** Looks at the first bytes as they pass: what a client says of its file is not to be believed. */
function sniff(found) {
  let head = Buffer.alloc(0);
  return new Transform({
    transform(part, encoding, done) {
      if (!found.end) {
        head = Buffer.concat([head, part.subarray(0, 8)]);
        if (head.length >= 8) {
          const type = types.find((one) => head.subarray(0, one.head.length).equals(one.head));
          if (!type) return done(new Unfit(415, 'A picture is a PNG, JPEG or GIF file.'));
          found.end = type.end;
        }
      }
      return done(null, part);
    },
    flush(done) {
      done(found.end ? null : new Unfit(415, 'A picture is a PNG, JPEG or GIF file.'));
    },
  });
}

/** POST /api/products/:id/picture: one file, straight to the disk, then in the old one's place. */
exports.upload = async function upload(req, product) {
  const temporary = path.join(pictures, `.${randomUUID()}`);
  const found = {};
  let written = null;
  let form;
  try {
    form = busboy({ headers: req.headers, limits: { files: 1, fields: 5, fileSize: BYTES_MAX, parts: 8 } });
  } catch (error) {
    throw new Unfit(400, `An upload is a multipart form with one file: ${error.message}.`);
  }
  form.on('file', (name, file) => {
    written = pipeline(file, sniff(found), fs.createWriteStream(temporary, { flags: 'wx' })).then(() => {
      if (file.truncated) throw new Unfit(413, `A picture has at most ${BYTES_MAX >> 20} MiB.`);
    });
    // It is awaited below; until then a failure is not "unhandled". The rest of the form is read
    // all the same, so that the client hears the answer.
    written.catch(() => file.resume());
  });
  try {
    await pipeline(req, form).catch((error) => {
      throw new Unfit(400, `The upload broke off: ${error.message}.`);
    });
    if (!written) throw new Unfit(400, 'The form has no file.');
    await written;
    const { size } = await fs.promises.stat(temporary);
    const file = `${product.id}.${found.end}`;
    await fs.promises.rename(temporary, path.join(pictures, file));
    catalogue.setPicture(product.id, file);
    return { id: product.id, picture: file, bytes: size };
  } finally {
    await fs.promises.rm(temporary, { force: true });
  }
};

const hues = { Kitchen: 18, Desk: 220, Garden: 130, Bath: 185, Travel: 40, Play: 300 };

exports.drawn = function drawn({ id, name, category }) {
  const hue = (hues[category] ?? 0) + ((id * 7) % 24);
  const shapes = [];
  for (let n = 0; n < 5; n++) {
    const [x, y, r] = [(id * 53 + n * 71) % 320, (id * 29 + n * 47) % 240, 24 + ((id * 13 + n * 31) % 60)];
    shapes.push(html`<circle cx="${x}" cy="${y}" r="${r}" fill="hsl(${hue + n * 9} 55% ${62 + n * 5}%)" opacity=".7"/>`);
  }
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240" role="img"><title>${name}</title>
<rect width="320" height="240" fill="hsl(${hue} 45% 88%)"/>${shapes}
<text x="160" y="150" font-family="Georgia,serif" font-size="90" text-anchor="middle" fill="hsl(${hue} 50% 28%)">${name.split(' ')[1]?.[0]?.toUpperCase() ?? name[0]}</text></svg>`;
};

exports.folder = pictures;
