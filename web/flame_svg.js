// flame_svg.js -- zoom and search in a flame graph that is an SVG. Click or Enter: zoom; Escape: back; / or Ctrl-F: search

{
  const by = (id) => document.getElementById(id);
  const graph = by('calls'), WIDTH = Number(graph.dataset.width), MARGIN = Number(graph.dataset.margin), GLYPH = 6.7;
  const calls = [...graph.children].map((g) => ({ g, depth: Number(g.dataset.d), begin: Number(g.dataset.b), total: Number(g.dataset.n), title: g.firstChild.textContent,
    rect: g.querySelector('rect'), name: g.firstChild.textContent.replace(/ [^ ]*:\d+:\d+, .*|, .*/s, '') }));
  const root = calls[0], saidFirst = by('said').textContent;
  let zoomed = root;

  function label(call, width) {
    let text = call.g.querySelector('text');
    const room = Math.floor((width - 6) / GLYPH);
    if (!text) {
      if (room < 3) return;
      call.g.append((text = document.createElementNS('http://www.w3.org/2000/svg', 'text')));
      text.setAttribute('y', Number(call.rect.getAttribute('y')) + 12);
    }
    text.textContent = room < 3 ? '' : call.name.length <= room ? call.name : `${call.name.slice(0, room - 1)}…`;
    text.setAttribute('x', Number(call.rect.getAttribute('x')) + 3);
  }

  function zoom(to) {
    zoomed = to;
    const end = to.begin + to.total, scale = WIDTH / to.total;
    for (const call of calls) {
      const above = call.depth < to.depth && call.begin <= to.begin && call.begin + call.total >= end;
      const inside = call.depth >= to.depth && call.begin >= to.begin && call.begin + call.total <= end;
      call.g.style.display = above || inside ? '' : 'none';
      call.g.classList.toggle('above', above);
      if (!above && !inside) continue;
      const width = above ? WIDTH : call.total * scale;
      call.rect.setAttribute('x', above ? MARGIN : MARGIN + (call.begin - to.begin) * scale);
      call.rect.setAttribute('width', Math.max(width - 0.3, 0.1));
      label(call, width);
    }
  }

  function search() {
    const wanted = prompt('Search for a text, or a /regular expression/:', '');
    if (wanted === null) return;
    let matches = (text) => text.toLowerCase().includes(wanted.toLowerCase());
    const written = /^\/(.+)\/(i?)$/.exec(wanted);
    if (written) {
      try {
        const pattern = new RegExp(written[1], written[2]);
        matches = (text) => pattern.test(text);
      } catch (error) {
        by('said').textContent = error.message;
        return;
      }
    }
    let found = 0, until = -1;
    for (const call of [...calls].sort((a, b) => a.begin - b.begin || a.depth - b.depth)) {
      const hit = wanted !== '' && call !== root && matches(call.title.replace(/, [^,]*\(.*$/s, ''));
      call.g.classList.toggle('found', hit);
      if (!hit || call.begin < until) continue;
      found += call.total;
      until = call.begin + call.total;
    }
    by('said').textContent = wanted === '' ? saidFirst : `${wanted}: ${((100 * found) / root.total).toFixed(2)} %`;
  }

  const callOf = (target) => calls.find(({ g }) => g.contains(target));
  for (const { g } of calls) g.setAttribute('tabindex', '0');
  graph.addEventListener('click', ({ target }) => target !== graph && zoom(callOf(target)));
  by('reset').addEventListener('click', () => zoom(root));
  by('find').addEventListener('click', search);
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' || (event.key === 'f' && event.ctrlKey)) search();
    else if (event.key === 'Escape') zoom(root);
    else if (event.key !== 'Enter') return;
    else if (event.target.id === 'reset') zoom(root);
    else if (event.target.id === 'find') search();
    else if (graph.contains(event.target)) zoom(callOf(event.target));
    else return;
    event.preventDefault();
  });
}
