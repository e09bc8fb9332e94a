// What a browser makes of the pages of a folder: `node page.mjs chromium FOLDER`. Prints a line for each thing that holds, and ends with 1 at the first that does not.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from './chromium.mjs';

const [program, folder] = process.argv.slice(2);
const file = (name) => join(folder, name);
const text = (name) => readFileSync(file(name), 'utf8');
const words = (line) => line.trim().split(/\s+/).join(' ');
const browser = chromium(program);

// A page that has done nothing but run its own script.
function quiet(page, scripts = 1) {
  assert.deepStrictEqual(page.complaints, []);
  assert.deepStrictEqual(page.requests.filter((url) => !/^file:.*\.html(#.*)?$/.test(url)), []);
  assert.strictEqual(page.scripts.length, scripts * page.visits);
}

async function open(name, look) {
  const page = await browser.open(file(name), look);
  page.visits = 1;
  return page;
}

// The rows of the tables of `hprof show`, by function.
function tables(printed) {
  const found = [];
  for (const part of printed.split(/^Function: /m).slice(1)) {
    const [name, line] = part.split('\n', 1)[0].split(' at line ');
    const [, body] = part.split(/^=+\n/m);
    found.push({ name, line: Number(line), rows: body.split('\n\n')[0].split('\n').map(words) });
  }
  return found;
}

// All functions of the page, one after the other, as its reader sees them with all columns.
const SHOWN = async () => {
  const frame = () => new Promise((resolve) => { requestAnimationFrame(() => resolve()); });
  const found = [];
  document.getElementById('sort').value = 'name';
  document.getElementById('sort').dispatchEvent(new Event('change'));
  for (const anchor of [...document.querySelectorAll('#list a')].map((one) => one.getAttribute('href'))) {
    location.hash = anchor;
    await frame();
    await frame();
    for (const box of document.querySelectorAll('#function input[type=checkbox]')) if (!box.checked) box.click();
    const rows = [...document.getElementById('source').rows].slice(1);
    found.push({
      name: document.querySelector('#function h2').textContent,
      line: Number(decodeURIComponent(anchor).split('-L').at(-1)),
      rows: rows.map((row) => [...row.cells].filter((cell) => !cell.hidden).map((cell) => cell.textContent).join(' ')),
    });
  }
  return found;
};

// The line of the link in the address, once it is marked in the source.
const marked = (page) => page.until(() => { const line = document.querySelector('#source tr.here')?.dataset.line; return location.hash.endsWith(`-L${line}`) && line; });

const tests = {
  async 'every figure of every line is that of hprof show'() {
    for (const name of ['ranks', 'large']) {
      const page = await open(`${name}.html`);
      const printed = tables(text(`${name}.txt`)).sort((a, b) => a.line - b.line);
      const shown = (await page.ask(SHOWN)).sort((a, b) => a.line - b.line);
      assert.deepStrictEqual(shown.map((one) => [one.name, one.line]), printed.map((one) => [one.name, one.line]));
      shown.forEach((one, at) => assert.deepStrictEqual(one.rows.map(words), printed[at].rows, one.name));
      quiet(page);
    }
  },

  async 'the hottest lines are those of hprof show --hot'() {
    const page = await open('large.html');
    const shown = await page.ask(() => {
      const [head, ...rows] = document.querySelectorAll('#hottest tr');
      // Bytes are in the page alone.
      const asked = [...head.cells].map((cell) => cell.textContent !== 'Bytes');
      return rows.map((row) => [...row.cells].filter((_, at) => asked[at]).map((cell) => cell.textContent).join(' '));
    });
    const printed = text('large.hot.txt').split(/^=+\n/m)[1].split('\n\n')[0].split('\n').map(words);
    const figures = (line) => /^(.*) \S*:\d+ /.exec(`${line} `)[1];
    assert.deepStrictEqual(shown.map(words).map(figures), printed.map(figures));
    quiet(page);
  },

  async 'tables of threads and ranks are those of hprof show --by and --ranks'() {
    const page = await open('ranks.html');
    const shown = await page.ask(() => [...document.querySelectorAll('#processes tr')].map((row) => [...row.cells].map((cell) => cell.textContent).join(' ')));
    const rows = new Set(shown.map(words));
    const printed = text('ranks.by.txt').split(/^=+\n/m)[1].split('\n\n')[0].split('\n').map(words);
    assert.strictEqual(printed.length, 2);
    for (const row of printed) assert(rows.has(row), `${row} in ${shown.join('\n')}`);
  },

  async 'the list is sorted and filtered, and says how much it shows'() {
    const page = await open('large.html');
    const names = () => page.ask(() => [...document.querySelectorAll('#list .name')].map((name) => name.textContent));
    const data = await page.ask(() => JSON.parse(document.getElementById('data').textContent).functions.map(({ name, ns, self, hits, calls, bytes }) => ({ name, total: ns, self, hits, calls, bytes })));
    for (const key of ['total', 'self', 'hits', 'calls', 'bytes']) {
      await page.ask((by) => { const sort = document.getElementById('sort'); sort.value = by; sort.dispatchEvent(new Event('change')); }, key);
      const expected = data.map((f, at) => [f, at]).sort(([a, i], [b, j]) => b[key] - a[key] || i - j).map(([f]) => f.name);
      assert.deepStrictEqual(await names(), expected, key);
    }
    await page.reload();
    page.visits += 1;
    assert.strictEqual(await page.ask(() => document.getElementById('sort').value), 'bytes');
    await page.type('#filter', 'FUNCTION_1 large');
    const found = await names();
    assert.deepStrictEqual(new Set(found), new Set(data.map((f) => f.name).filter((name) => name.includes('function_1'))));
    assert(found.length > 1 && found.length < data.length);
    assert.strictEqual(await page.ask(() => document.getElementById('count').textContent), `${found.length} functions`);
    await page.type('#filter', '');
    assert.strictEqual((await names()).length, data.length);
    quiet(page);
  },

  async 'keys go through functions and hot lines, to the filter, the flamegraph and the top, and show a list of themselves'() {
    const page = await open('large.html');
    const here = () => page.ask(() => decodeURIComponent(location.hash));
    const current = () => page.ask(() => document.querySelector('#list a[aria-current]')?.getAttribute('href'));
    const links = await page.ask(() => [...document.querySelectorAll('#list a')].map((anchor) => anchor.getAttribute('href')));
    await page.ask((first) => { location.hash = first; }, links[0]);
    await page.press('j');
    await page.until((second) => document.querySelector('#list a[aria-current]')?.getAttribute('href') === second, links[1]);
    assert.strictEqual(await current(), links[1]);
    await page.press('k');
    assert.strictEqual(await here(), decodeURIComponent(links[0]));
    await page.press('n');
    const first = await marked(page);
    await page.press('n');
    const second = await marked(page);
    await page.press('p');
    assert.strictEqual(await marked(page), first);
    assert(Number(second) > Number(first));
    await page.press('f');
    await page.until(() => { const { top, bottom } = document.getElementById('flame').getBoundingClientRect(); return top < innerHeight && bottom > 0 && scrollY > 0; });
    await page.press('t');
    await page.until(() => scrollY === 0);
    await page.press('?');
    assert(await page.ask(() => document.getElementById('help').open));
    await page.press('Escape');
    await page.until(() => !document.getElementById('help').open);
    await page.press('/');
    assert.strictEqual(await page.ask(() => document.activeElement.id), 'filter');
    await page.press('j');
    assert.strictEqual(await page.ask(() => document.getElementById('filter').value), 'j', 'keys are letters in a field');
    quiet(page);
  },

  async 'a link to a line shows it after a reload, and Back goes back'() {
    const page = await open('large.html');
    const lines = await page.ask(() => [...document.querySelectorAll('#hottest a')].map((anchor) => anchor.getAttribute('href')));
    await page.click('#hottest a');
    assert(lines[0].endsWith(`-L${await marked(page)}`));
    await page.reload();
    page.visits += 1;
    assert(lines[0].endsWith(`-L${await marked(page)}`));
    assert(await page.ask(() => { const { top, bottom } = document.querySelector('#source tr.here').getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; }), 'the line is in the window');
    await page.ask((next) => { location.hash = next; }, lines[1]);
    assert(lines[1].endsWith(`-L${await marked(page)}`));
    await page.ask(() => history.back());
    await page.until((before) => location.hash === before, lines[0]);
    assert(lines[0].endsWith(`-L${await marked(page)}`));
    quiet(page);
  },

  async 'callers and callees of a function and of a line'() {
    const page = await open('ranks.html');
    const edges = () => page.ask(() => document.getElementById('edges').innerText);
    await page.ask(() => { location.hash = '#src/grid.rs-L15'; });
    await page.until(() => document.querySelector('#function h2')?.textContent === 'fill');
    const callers = words(await edges());
    assert(/Called by/.test(callers) && /solve/.test(callers) && /::step/.test(callers), callers);
    await page.ask(() => { location.hash = '#src/grid.rs-L6'; });
    await page.until(() => document.querySelector('#function h2')?.textContent === 'solve');
    const callees = words(await edges());
    assert(/Called from line 6/.test(callees) && /::step/.test(callees) && !/fill/.test(callees), callees);
  },

  async 'the flamegraph is searched by name and by place, and a click shows the function'() {
    const page = await open('ranks.html');
    const found = () => page.ask(() => [...document.querySelectorAll('.flame rect.found')].map((rect) => rect.parentNode.querySelector('title').textContent));
    await page.type('#flame-search', 'STEP');
    const steps = await found();
    assert(steps.length > 0 && steps.every((title) => title.includes('::step')), steps.join());
    await page.type('#flame-search', 'grid.rs:15');
    const fills = await found();
    assert(fills.length > 0 && fills.every((title) => title.includes('fill')), fills.join());
    await page.type('#flame-search', '');
    assert.deepStrictEqual(await found(), []);
    const place = await page.ask(() => {
      const group = [...document.querySelectorAll('.flame g')].find((one) => one.querySelector(':scope > title')?.textContent.includes('::step'));
      group.id = 'wanted';
      return true;
    });
    assert(place);
    await page.click('#wanted');
    await page.until(() => document.querySelector('#function h2')?.textContent.includes('::step'));
    quiet(page);
  },

  async 'light and dark, chosen by the system or by hand, and remembered; all text has enough contrast'() {
    const back = (page) => page.ask(() => getComputedStyle(document.body).backgroundColor);
    const light = await open('large.html');
    const dark = await open('large.html', { dark: true });
    const [day, night] = [await back(light), await back(dark)];
    assert.notStrictEqual(day, night);
    await dark.click('#theme');
    assert.strictEqual(await back(dark), day);
    await dark.reload();
    dark.visits += 1;
    assert.strictEqual(await back(dark), day, 'remembered');
    await dark.click('#theme');
    assert.strictEqual(await back(dark), night);
    for (const page of [light, dark]) {
      await page.ask(() => { location.hash = document.querySelector('#hottest a').getAttribute('href'); });
      await marked(page);
      assert.deepStrictEqual(await page.ask(FAINT), []);
      quiet(page);
    }
  },

  async 'lines by rank: every row is that of hprof show --ranks, and the strips show which ranks are slow'() {
    const page = await open('map.html');
    const shown = await page.ask(() => [...document.querySelectorAll('.heat tr')].slice(1).map((row) => [...row.cells].slice(0, -1).map((cell) => cell.textContent).join(' ')));
    // The bars of characters are cells of the map in the page.
    const printed = tables(text('map.txt')).flatMap((one) => one.rows).map((row) => /^(.*%\s+\d+) [▁-█ ]+/.exec(row)?.[1]).filter(Boolean);
    assert.deepStrictEqual(shown.map(words).sort(), printed.map(words).sort());
    const above = await page.ask(() => [...document.querySelectorAll('.heat .strip')].map((strip) => [...strip.querySelectorAll('path')].map((path) => path.getAttribute('d').split('M').length - 1).reduce((a, b) => a + b)));
    assert.deepStrictEqual([...new Set(above)], [32], 'a cell for each two of 64 ranks');
    quiet(page);
  },

  async 'a part of the run is chosen by dragging and by keys, and says that it is sampled'() {
    const page = await open('large.html');
    const first = () => page.ask(() => [document.getElementById('when-range').textContent, ...[...document.querySelectorAll('#when-lines tr')].slice(1).map((row) => row.cells[0].textContent)]);
    const [whole, ...shares] = await first();
    assert(/^0 ns to 64\.0 ms: 3[67]\d looks, sampled$/.test(whole), whole);
    assert.strictEqual(shares.length, 4);
    const { left, width, y } = await page.place('#when-bar');
    await page.mouse('mousePressed', left + width * 0.02, y);
    await page.mouse('mouseMoved', left + width * 0.1, y);
    await page.mouse('mouseMoved', left + width * 0.2, y);
    await page.mouse('mouseReleased', left + width * 0.2, y);
    const [part, ...one] = await first();
    assert(/^0 ns to 14\.0 ms: 70 looks, sampled: too few for more than a hint$/.test(part), part);
    assert.deepStrictEqual(one, ['100.0']);
    await page.ask(() => { const to = document.getElementById('when-to'); to.value = 10; to.dispatchEvent(new Event('input')); });
    assert(/^0 ns to 22\.0 ms/.test((await first())[0]));
    quiet(page);
  },

  async 'a profile against itself has no coloured cell'() {
    const page = await open('same.html');
    assert(/^no change/.test(await page.ask(() => document.querySelector('#changed .verdict').textContent)));
    const functions = await page.ask(SHOWN);
    assert(functions.length === 40);
    const coloured = await page.ask(async () => {
      const found = [];
      for (const anchor of [...document.querySelectorAll('#list a')].map((one) => one.getAttribute('href'))) {
        location.hash = anchor;
        await new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); });
        const cells = [...document.querySelectorAll('#source tr[data-line]:not(.here):not(:hover) td')];
        found.push(...cells.filter((cell) => getComputedStyle(cell).backgroundColor !== 'rgba(0, 0, 0, 0)').map((cell) => cell.textContent));
      }
      return found;
    });
    assert.deepStrictEqual(coloured, []);
    assert.strictEqual(await page.ask(() => document.querySelectorAll('tr.worse, tr.better, tr.other').length), 0);
    quiet(page);
  },

  async 'two profiles: figures, words and verdict are those of hprof diff; functions that came and went are there; d shows one profile'() {
    for (const name of ['changed', 'reverse']) {
      const page = await open(`${name}.html`);
      const printed = text(`${name}.txt`);
      assert(words(printed).includes(words(await page.ask(() => document.querySelector('#changed .verdict').textContent))));
      const functions = new Map((await page.ask(SHOWN)).map((one) => [one.name, one.rows.map(words)]));
      const parts = printed.split(/^Function: /m).slice(1);
      assert(parts.length >= 3, printed);
      for (const part of parts) {
        const title = part.split('\n', 1)[0];
        const rows = functions.get(title);
        assert(rows, `${title} in ${[...functions.keys()].join('; ')}`);
        const body = part.split(/^=+\n/m)[1];
        if (body) for (const row of body.split('\n\n')[0].split('\n').map(words)) assert(rows.includes(row), `${row} in ${rows.join('\n')}`);
      }
      assert(await page.ask(() => document.querySelectorAll('#changed tr.worse, #changed tr.better, #changed tr.other').length) > 0);
      assert.deepStrictEqual(await page.ask(FAINT), []);
      quiet(page);
    }
    const page = await open('changed.html');
    const heads = () => page.ask(() => [...document.querySelectorAll('#source th')].map((head) => head.textContent));
    await page.click('#changed a');
    const line = await marked(page);
    assert((await heads()).includes('Hits A'));
    await page.press('d');
    assert(!(await heads()).includes('Hits A') && (await heads()).includes('Hits'));
    assert.strictEqual(await marked(page), line, 'the same line of the same function');
    await page.click('#both');
    assert((await heads()).includes('Hits A'));
    assert.strictEqual(await page.ask(() => document.getElementById('sort').value), 'changes');
    quiet(page);
  },

  async 'readable without script'() {
    const page = await open('ranks.html', { script: false });
    quiet(page, 0);
    const rows = await page.ask(() => [...document.querySelectorAll('.only-static tr')].filter((row) => row.offsetParent).map((row) => [...row.cells].map((cell) => cell.textContent).join(' ')));
    const seen = new Set(rows.map(words));
    const printed = tables(text('ranks.txt')).flatMap((one) => one.rows);
    assert(printed.length > 10);
    for (const row of printed) assert(seen.has(row), row);
    assert.strictEqual(await page.ask(() => [...document.querySelectorAll('.only-script')].filter((one) => one.offsetParent).length), 0, 'what needs the script is not there');
  },

  async 'nothing of a hostile profile runs, and all of it is text'() {
    const page = await open('hostile.html');
    for (const anchor of await page.ask(() => [...document.querySelectorAll('#list a')].map((one) => one.getAttribute('href')))) {
      await page.ask((hash) => { location.hash = hash; }, anchor);
      await page.ask(() => new Promise((resolve) => { setTimeout(resolve, 50); }));
    }
    await page.type('#filter', '<script>');
    await page.type('#flame-search', '<img src=x>');
    const facts = await page.ask(() => ({ title: document.title, images: document.images.length, scripts: document.scripts.length, wide: document.documentElement.scrollWidth <= innerWidth }));
    assert.strictEqual(facts.images, 0);
    assert.strictEqual(facts.scripts, 2, 'the data and the script of the page');
    assert(!/^EVIL/.test(facts.title));
    assert(facts.wide, 'a line of 10,000 characters widens its table, not the page');
    assert(/<script>/.test(await page.ask(() => document.querySelector('#list').innerText)));
    console.log(`scripts of the hostile profile that ran: ${page.scripts.length - 1}`);
    quiet(page);
  },
};

// Texts whose colour is too near to that of what is behind them: a ratio below 4.5 to 1. Pictures have colours of their own.
const FAINT = () => {
  const parse = (colour) => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
  const behind = (element) => {
    const colour = parse(getComputedStyle(element).backgroundColor);
    if (colour[3] === 1 || !element.parentElement) return colour.slice(0, 3);
    return over(colour, behind(element.parentElement));
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = new Set();
  for (const element of document.querySelectorAll('body *:not(svg):not(svg *)')) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || !element.offsetParent) continue;
    const back = behind(element);
    const [a, b] = [light(over(parse(getComputedStyle(element).color), back)), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...faint];
};

try {
  for (const [name, test] of Object.entries(tests)) {
    await test().catch((error) => { error.message = `${name}: ${error.message}`; throw error; });
    console.log(`ok: ${name}`);
  }
  console.log('pages: all right');
} finally {
  await browser.close();
}
