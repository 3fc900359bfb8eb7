'use strict';
// HTML by tagged templates: what is put in is escaped, unless it came from html`` itself.

class Html {
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function put(value) {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(put).join('');
  if (value === undefined || value === null || value === false) return '';
  return String(value).replace(/[&<>"']/g, (c) => entities[c]);
}

exports.html = (strings, ...values) =>
  new Html(strings.reduce((text, string, n) => text + put(values[n - 1]) + string));

exports.euro = (cents) => `€ ${(cents / 100).toFixed(2)}`;
