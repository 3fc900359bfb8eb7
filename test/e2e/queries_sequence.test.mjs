// Which of two awaits the agent takes to need nothing of each other: what it reads in a function's text.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const { areIndependent } = createRequire(import.meta.url)('../../addon/trace_sequence.js')({ placeTake: null, READ: 1, DELIBERATE: 16 });

/** A and B stand for the two calls. */
const judged = (body) => {
  const text = `async function handler(req, res) {\n${body}\n}\n`;
  return areIndependent(text, 0, text.indexOf('A('), text.indexOf('B('));
};

const INDEPENDENT = [
  'const a = await A(1);\nconst b = await B(2);\nreturn [a, b];',
  'const a = await A(1)\nconst b = await B(2)\nreturn [a, b]',
  'const { rows: [user], ...rest } = await db.A(`x ${req.id}`, [1]);\nconst id = Number(req.params.id);\nlet other = (await db.B("user", [id])).rows;',
  'if (req.ok) {\n  const a = await A();\n  const b = await B();\n  return { a, b };\n}',
  'const a = await A();\n// a is needed later\n/* a */ return res.json(await B());',
  'const a = await A(/[;"\'`{]/.test(x));\nconst b = await B(y / 2 / z);',
  'const a = await (await fetch(A("u"))).json();\nconst b = await B();',
  'const first = await A();\nconst count = first.rows.length;\nconst b = await B(req.first);',
  'return { a: await A(), b: await B() };',
  'res.json([await A(1), await B(2)]);',
  'const a = await A(); const text = `no ${name} of it`; const b = await B(text);',
];
const NOT = [
  'const a = await A();\nconst b = await B(a.id);',
  'const { rows: [user] } = await A();\nconst b = await B(`${user.id}`);',
  'const a = await A();\nconst id = a.id;\nconst b = await B(id);',
  'const a = await A();\nconst get = () => a.id;\nconst b = await B(get);',
  'const a = await A();\nif (!a) return null;\nconst b = await B();',
  'const a = await A();\nres.locals.user = a;\nconst b = await B();',
  'const a = await A();\nconst b = a && (await B());',
  'const a = await A();\nconst b = a ? await B() : 0;',
  'await A();\nconst b = await B();',
  'this.a = await A();\nconst b = await B();',
  'const a = await A();\nfor (const x of list) await B(x);',
  'const a = await A();\ntry { const b = await B(); } catch {}',
  'const a = await A();\nawait audit();\nconst b = await B();',
  'const a = await A();\nconst lock = await take();\nconst b = await B();',
  'const a = A();\nconst b = await B();',
  'const [a, b] = await Promise.all([A(), B()]);',
  'const a = await A().then(() => B());',
  'const a = await A();\nlist.forEach(async (x) => { const b = await B(x); });',
  'const a = await A();\nconst b = await B({ a });',
  'let a; a = await A();\nconst b = await B(a);',
  'const x = cond ? await A() : null; const b = x ?? (await B());',
  'const a = (await A()) || (await B());',
  'for (const x of list) { await A(x); }\nfor (const x of list) { await B(x); }',
];

test('two awaits of which neither needs the other are told from those that do', () => {
  for (const body of INDEPENDENT) assert.equal(judged(body), true, body);
  for (const body of NOT) assert.equal(judged(body), false, body);
});

test('no text makes it fail or take long', () => {
  const bytes = ['const ', 'await ', '`', '${', '}', '{', '(', ')', '/', '\'', '"', '\\', '\n', ';', '=', 'a', 'A(', 'B(', '=>', ' ', '[', ']'];
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: random(60) }, () => bytes[random(bytes.length)]).join('');
    assert.equal(typeof areIndependent(text, 0, random(60), random(60)), 'boolean');
  }
  const long = `const a = await A(${'`${'.repeat(20000)}`;
  assert.equal(typeof areIndependent(long, 0, 16, 30000), 'boolean');
});

test('places are taken while something is undecided, and results are looked at until it is sure', () => {
  let stacks = 0;
  const placeTake = () => {
    stacks++;
    return { frames: [{ name: 'f', file: '/there/is/none.js', line: stacks, column: 1, start: '1:1' }], via: [], key: '' };
  };
  const sequence = createRequire(import.meta.url)('../../addon/trace_sequence.js')({ placeTake, READ: 1, DELIBERATE: 16 });
  const begin = (number, last) => {
    const call = { shape: 1, tally: { number, begun: 1 }, issued: 0, started: 0, ended: 0, kept: false };
    if (last) sequence.follows(last, call, []);
    const wanted = sequence.wants(number);
    if (wanted !== undefined) {
      call.kept = true;
      if (sequence.wantsPlace(wanted)) call.place = placeTake();
    }
    return call;
  };
  for (let i = 0; i < 100; i++) {
    const first = begin(1);
    const second = begin(2, first);
    begin(3, second);
    sequence.tick();
  }
  assert.equal(stacks, 4, 'of the two pairs: where each of its statements is');
  assert.equal(sequence.wants(1), undefined, 'there is no such file: nothing can be said');
  for (let i = 0; i < 100; i++) {
    begin(4);
    if (i < 3) begin(5, begin(4));
  }
  assert.equal(stacks, 4 + 5, 'of a pair that does not come again: a few in each second');
});
