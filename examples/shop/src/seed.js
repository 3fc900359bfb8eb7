'use strict';
// The shop's first stock and its past orders: the same on every machine.

const PRODUCTS = 240;
const ORDERS = 6000;
const CUSTOMERS = 400;
const DAY_MS = 86400000;
const LAST_DAY = Date.UTC(2025, 5, 30, 18);

// mulberry32: small, good enough for a catalogue, and the same everywhere.
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const categories = {
  Kitchen: ['Kettle', 'Pan', 'Teapot', 'Bread knife', 'Cutting board', 'Mortar', 'Carafe', 'Scale', 'Grater', 'Mug'],
  Desk: ['Notebook', 'Fountain pen', 'Lamp', 'Tray', 'Clock', 'Stapler', 'Ruler', 'Paperweight', 'Pencil set', 'Shelf'],
  Garden: ['Trowel', 'Watering can', 'Seed box', 'Gloves', 'Pruner', 'Lantern', 'Bird house', 'Rake', 'Planter', 'Hose'],
  Bath: ['Towel', 'Soap dish', 'Brush', 'Bath mat', 'Mirror', 'Basket', 'Robe', 'Tumbler', 'Sponge', 'Stool'],
  Travel: ['Backpack', 'Flask', 'Map case', 'Blanket', 'Cup', 'Pouch', 'Umbrella', 'Hammock', 'Torch', 'Scarf'],
  Play: ['Chess set', 'Kite', 'Puzzle', 'Spinning top', 'Cards', 'Dominoes', 'Juggling balls', 'Drum', 'Yo-yo', 'Marbles'],
};
const makers = ['Alder', 'Birch', 'Cedar', 'Hazel'];
const traits = ['hand-made', 'light', 'sturdy', 'quiet', 'folding', 'classic', 'small', 'generous'];
const materials = ['oak', 'steel', 'linen', 'enamel', 'wool', 'brass', 'glass', 'cork'];
const first = ['Ada', 'Ben', 'Chiara', 'Dan', 'Edda', 'Femi', 'Gil', 'Hanna', 'Ines', 'Jon', 'Kaya', 'Leo', 'Mira', 'Noor'];
const last = ['Abel', 'Berg', 'Costa', 'Diaz', 'Engel', 'Farah', 'Gruber', 'Holm', 'Ito', 'Jansen', 'Kern', 'Lund'];

exports.categories = Object.keys(categories);

exports.seed = function seed(sql) {
  const next = random(20250630);
  const upTo = (n) => Math.floor(next() * n);
  const pick = (list) => list[upTo(list.length)];

  const addProduct = sql(
    `INSERT INTO products (id, slug, name, category, description, price_cents, stock) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const prices = [0];
  let id = 0;
  for (const [category, nouns] of Object.entries(categories))
    for (const noun of nouns)
      for (const maker of makers) {
        id++;
        const name = `${maker} ${noun.toLowerCase()}`;
        const [trait, material] = [pick(traits), pick(materials)];
        prices[id] = 390 + 10 * upTo(1200);
        addProduct.run(
          id,
          name.replace(/ /g, '-').toLowerCase(),
          name,
          category,
          `A ${trait} ${noun.toLowerCase()} of ${material}, made by ${maker}. ` +
            `It lasts for years, can be repaired, and comes in a box of paper.`,
          prices[id],
          60 + upTo(300),
        );
      }

  const addOrder = sql(
    `INSERT INTO orders (id, session, name, email, total_cents, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const addItem = sql(
    `INSERT INTO order_items (order_id, product_id, quantity, price_cents) VALUES (?, ?, ?, ?)`,
  );
  for (let order = 1; order <= ORDERS; order++) {
    const customer = upTo(CUSTOMERS);
    const name = `${first[customer % first.length]} ${last[customer % last.length]}`;
    const items = new Map();
    // Some things sell far better than others, and neighbours in the catalogue sell together.
    let product = 1 + Math.floor(next() ** 2 * PRODUCTS);
    for (let n = 1 + upTo(5); n > 0; n--) {
      items.set(product, 1 + upTo(3));
      product = 1 + ((product + upTo(7)) % PRODUCTS);
    }
    let total = 0;
    for (const [product, quantity] of items) total += prices[product] * quantity;
    const at = LAST_DAY - Math.floor(((ORDERS - order) / ORDERS) * 365 * DAY_MS);
    addOrder.run(
      order,
      `seed-${customer}`,
      name,
      `${name.toLowerCase().replace(' ', '.')}.${customer}@example.org`,
      total,
      at,
    );
    for (const [product, quantity] of items) addItem.run(order, product, quantity, prices[product]);
  }
  return { products: id, orders: ORDERS };
};
