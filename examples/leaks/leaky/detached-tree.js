'use strict';
// Pages are rendered from a tree. One node of each is kept, and through parentNode the whole page.
const http = require('node:http');

class Element {
  constructor(tag, parentNode) {
    this.tag = tag;
    this.parentNode = parentNode;
    this.childNodes = [];
    if (parentNode) parentNode.childNodes.push(this);
  }

  remove() {
    const siblings = this.parentNode.childNodes;
    siblings.splice(siblings.indexOf(this), 1);
  }
}

const titles = new Map();

function render(url) {
  const body = new Element('body', new Element('html', null));
  for (let i = 0; i < 40; i++) new Element('p', new Element('div', body));
  titles.set(url, new Element('h1', body));
  return body.childNodes.length;
}

let n = 0;
http
  .createServer((req, res) => {
    res.end(`${render(`/page/${n++}`)} nodes\n`);
  })
  .listen(process.env.PORT ?? 3000);
