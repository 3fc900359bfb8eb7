// format.js -- numbers, objects and references as text. Sizes as the commands write them: powers of 1024, three digits.

const UNITS = ['B', 'K', 'M', 'G', 'T'];

export function bytes(n) {
  let unit = 0;
  for (; n >= 999.5 && unit < UNITS.length - 1; unit++) n /= 1024;
  return `${unit && n < 9.95 ? n.toFixed(1) : Math.round(n)}${UNITS[unit]}`;
}

export function signedBytes(n) {
  return n > 0 ? `+${bytes(n)}` : n < 0 ? `−${bytes(-n)}` : '0';
}

export function signed(n) {
  return n > 0 ? `+${count(n)}` : n < 0 ? `−${count(-n)}` : '0';
}

export const count = (n) => n.toLocaleString('en-US');

export function percent(part, whole) {
  return `${(whole ? (100 * part) / whole : 0).toFixed(1)} %`;
}

/** From V8's own roots everything is far away. */
export const distance = (n) => (n >= 0 && n < 100000000 ? String(n) : '–');

const OWN_NAME = new Set(['hidden', 'array', 'code', 'synthetic', 'regexp', 'symbol']);
const LABEL_MAX = 80;

const cut = (text) => (text.length > LABEL_MAX ? `${text.slice(0, LABEL_MAX)}…` : text);

/** What an object is called: a text in quotes, a function with its brackets, anything else by its class. */
export function label(object) {
  const { type, text } = object;
  if (type === 'string') return JSON.stringify(cut(text));
  if (type === 'closure') return `${cut(text) || '(anonymous)'}()`;
  if (type === 'synthetic' && !text) return '(root)';
  return cut((OWN_NAME.has(type) && text) || object.class);
}

/** As DevTools writes the kinds of references: .name, [3], {map}, a variable's name. */
export function edge({ type, name, index }) {
  if (type === 'element') return `[${index}]`;
  if (index !== undefined) return `{${index}}`;
  if (type === 'property' || type === 'shortcut') return /^[\p{L}\p{N}_$#]+$/u.test(name) ? `.${name}` : `[${JSON.stringify(cut(name))}]`;
  if (type === 'context') return name;
  return type === 'weak' ? `weakly {${cut(name)}}` : `{${cut(name)}}`;
}

/** The same with how it is referred to: .cache: Object. The numbers of V8's own roots say nothing. */
export const titled = (object) => (object.edge && object.edge.type !== 'shortcut' && object.type !== 'synthetic' ? `${edge(object.edge)}: ${label(object)}` : label(object));

/** server.js:12, of /app/src/server.js. */
export function place({ file, line, column }) {
  return `${file}:${line}:${column}`;
}

/** Which colour an object has. */
export function kind(object) {
  const { type, class: name } = object;
  if (type) return { string: 'string', closure: 'closure', code: 'code', native: 'native', hidden: 'system', synthetic: 'system', array: 'array', object: name === 'Array' ? 'array' : 'object' }[type] ?? 'other';
  return { '(string)': 'string', '(concatenated string)': 'string', '(sliced string)': 'string', Function: 'closure', '(compiled code)': 'code', '(system)': 'system', '(synthetic)': 'system', '(array)': 'array', Array: 'array' }[name] ?? (name.startsWith('(') ? 'other' : 'object');
}
