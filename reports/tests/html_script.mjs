// The script of the page without a page: run by `cargo test` with node.
import assert from 'node:assert';
import { createRequire } from 'node:module';

const { chosen, parse, link, at, hot, markdown, tabs, within, indentation, rows, changes } = createRequire(import.meta.url)('../src/html/script.js');

const row = (line, heat, code) => ({ line, heat, code, cells: [String(line), heat ? '1' : ''], group: false });
const functions = [
  { name: 'Field::advance', module: 'solver', file: 'src/a b.rs', line: 10, end: 20, ns: 5, self: 1, hits: 3, bytes: 0, calls: 2, columns: ['Line #', 'Hits'], rows: [row(10, 0, '    fn advance() {'), row(11, 8, '        a | b'), row(12, 3, '')] },
  { name: 'main', module: 'app', file: 'src/main.rs', line: 1, end: 9, ns: 9, self: 0, hits: 1, bytes: 7, calls: 1, columns: ['Line #', 'Hits'], rows: [] },
];

assert.deepStrictEqual(chosen(functions, '', 'total'), [1, 0]);
assert.deepStrictEqual(chosen(functions, '', 'self'), [0, 1]);
assert.deepStrictEqual(chosen(functions, '', 'name'), [0, 1]);
assert.deepStrictEqual(chosen(functions, 'SOLVER adv', 'total'), [0]);
assert.deepStrictEqual(chosen(functions, 'nothing', 'hits'), []);

for (const file of ['src/a b.rs', 'src/main.rs', 'a-L3/b%.rs', 'größe.rs']) assert.deepStrictEqual(parse(link(file, 12)), { file, line: 12 });
for (const hash of ['', '#x', '#%E0%A4%A-L1', '#a-L']) assert.strictEqual(parse(hash), null);

assert.strictEqual(at(functions, { file: 'src/a b.rs', line: 20 }), 0);
assert.strictEqual(at(functions, { file: 'src/a b.rs', line: 21 }), -1);
assert.deepStrictEqual(hot(functions[0].rows), [11]);
assert.strictEqual(indentation(functions[0].rows), 4);
assert.strictEqual(indentation([]), 0);
assert.deepStrictEqual(rows([[7, 3, 1, ['9', ''], 'x']]), [{ line: 7, heat: 3, group: true, cells: ['7', '9', ''], code: 'x' }]);
assert.strictEqual(markdown(functions[0], functions[0].columns, functions[0].rows).split('\n').at(-2), '| 11 | 1 | `a \\| b` |');
assert.strictEqual(tabs(['Line #', 'Hits'], functions[0].rows), 'Line\tHits\tCode\n11\t1\t        a | b\n12\t1\t');
assert.deepStrictEqual(changes([[0, 'worse', ['3', ''], 'x']]), [{ line: 0, tendency: 'worse', cells: ['3', ''], code: 'x', heat: 0, group: false }]);

const looks = { all: [4, 0, 6, 10], lines: [[0, 11, [4, 0, 0, 1]], [1, 5, [0, 0, 3, 9]], [1, 6, [0, 0, 0, 0]]] };
assert.deepStrictEqual(within(looks, 2, 3), { all: 16, lines: [{ at: 1, line: 5, looks: 12, percent: 75 }, { at: 0, line: 11, looks: 1, percent: 6.25 }] });
assert.deepStrictEqual(within(looks, 1, 1), { all: 0, lines: [] });
console.log('script: all right');
