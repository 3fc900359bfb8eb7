// dom.js -- elements from a call: h('a', { href, class: 'x', onclick }, 'text', child, …)

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'style') Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** For screen readers, and for whoever waits: what has just happened. */
export function say(text) {
  document.getElementById('status').textContent = text;
}
