'use strict';
/* addon/trace_measures.js -- what the app marks and measures in a traced request is a span of it
 *
 * A part of agent.node (addon/part.c), loaded while traces are sent, once the app has made its first
 * mark or measure. An observer hears of entries when nobody knows any more whose they were, so mark
 * and measure are wrapped, like the functions of libraries: nothing that the app can see changes.
 */

const REQUEST_MAX = 128; /* spans of one request */
const SECOND_MAX = 2000; /* of all */

/* What can be shown of `detail`, which is a copy that Node has made: [key, value, key, value, ...] */
function attributesOf(kind, name, clean, detail, most) {
  const list = ['performance.entry_type', kind];
  if (name !== clean) list.push('performance.name', name);
  const add = (key, value) => {
    if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) list.push(key, value);
    else if (typeof value === 'bigint') list.push(key, String(value));
    return list.length < 2 * most;
  };
  if (typeof detail !== 'object' || detail === null) add('performance.detail', detail);
  else for (const key in detail) if (!add(`performance.detail.${key}`, detail[key])) break;
  return list;
}

/* Whose own property it is: before Node 20 that of a prototype's prototype. */
function holderOf(object, name) {
  while (object !== null && !Object.hasOwn(object, name)) object = Object.getPrototypeOf(object);
  return object;
}

/* trace: { current, replace, now, spans }; `clean`: makes what looks like a value in a name :id */
module.exports = function measures({ current, replace, now, spans }, clean) {
  const { native } = spans;
  let second = 0; /* began then */
  let count = 0; /* since then */

  function hasRoom(context) {
    const time = now();
    if (time - second >= 1000) {
      second = time;
      count = 0;
    }
    return ++context.inner <= REQUEST_MAX && ++count <= SECOND_MAX;
  }

  function tell(context, kind, entry) {
    if (!hasRoom(context)) return native.drop();
    const { name, startTime, duration, detail } = entry;
    const shown = clean(name);
    native.inner(context.parent, shown, startTime, startTime + Math.max(0, duration), attributesOf(kind, name, shown, detail, native.ATTRIBUTES_MAX));
    return spans.wait();
  }

  for (const kind of ['mark', 'measure'])
    replace(holderOf(performance, kind), kind, (original) => ({ made() {
      const entry = original.apply(this, arguments);
      const context = current()?.trace ?? null;
      if (context !== null && typeof entry?.name === 'string') tell(context, kind, entry);
      return entry;
    } }).made);
};
