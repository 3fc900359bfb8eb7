'use strict';
// Live news: stock by WebSocket on every page; in the office, new orders by server-sent events.

const euro = (cents) => `€ ${(cents / 100).toFixed(2)}`;
const news = document.getElementById('news');
let pause = 500;

function connect() {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`);
  socket.onmessage = ({ data }) => {
    const change = JSON.parse(data);
    if (change.kind === 'hello') pause = 500;
    if (change.kind === 'order')
      news.textContent = `${change.name} just ordered ${change.items} things for ${euro(change.total_cents)}.`;
    if (change.kind === 'stock')
      for (const place of document.querySelectorAll(`[data-stock="${change.id}"]`)) {
        place.textContent = change.stock;
        place.classList.add('flash');
        setTimeout(() => place.classList.remove('flash'), 2000);
      }
  };
  socket.onclose = () => {
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, 15000);
  };
}
connect();

const list = document.getElementById('orders');
if (list) {
  new EventSource('/api/events').addEventListener('order', ({ data }) => {
    const order = JSON.parse(data);
    const row = list.insertRow(0);
    for (const text of [order.id, 'now', `${order.items} things for ${order.name}`]) row.insertCell().textContent = text;
    const total = row.insertCell();
    total.textContent = euro(order.total_cents);
    total.className = 'n';
    if (list.rows.length > 50) list.deleteRow(-1);
  });

  const form = document.getElementById('upload');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const output = form.querySelector('output');
    const body = new FormData();
    body.append('file', fields.get('file'));
    output.textContent = 'Uploading …';
    const answer = await fetch(`/api/products/${Number(fields.get('product'))}/picture`, { method: 'POST', body });
    const { error, bytes } = await answer.json();
    output.textContent = error ?? `Done, ${bytes} bytes.`;
  });
}
