'use strict';
// The tree lives as long as the response; what is kept of a node is kept weakly.
const http = require('node:http');

class Element {
  constructor(tag, parentNode) {
    this.tag = tag;
    this.parentNode = parentNode;
    this.childNodes = [];
    if (parentNode) parentNode.childNodes.push(this);
  }
}

const titles = new WeakMap();

function render(url) {
  const body = new Element('body', new Element('html', null));
  for (let i = 0; i < 40; i++) new Element('p', new Element('div', body));
  titles.set(new Element('h1', body), url);
  return body.childNodes.length;
}

let n = 0;
http
  .createServer((req, res) => {
    res.end(`${render(`/page/${n++}`)} nodes\n`);
  })
  .listen(process.env.PORT ?? 3000);
