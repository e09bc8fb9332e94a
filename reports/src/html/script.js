// The page of a profile: list of functions, source with figures, callers and callees, flamegraph. All texts come from the data as text, never as markup.
'use strict';
const hprof = (() => {
  const KEYS = { total: (f) => f.ns, self: (f) => f.self, hits: (f) => f.hits, bytes: (f) => f.bytes, calls: (f) => f.calls };

  // Functions in the order that was chosen, those whose name or place has the words.
  function chosen(functions, words, key) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const found = functions.map((f, at) => ({ f, at }))
      .filter(({ f }) => wanted.every((word) => `${f.name} ${f.module} ${f.file}`.toLowerCase().includes(word)));
    const by = KEYS[key];
    found.sort(by ? (a, b) => by(b.f) - by(a.f) || a.at - b.at : (a, b) => a.f.name.localeCompare(b.f.name) || a.at - b.at);
    return found.map(({ at }) => at);
  }

  // What follows # in the address: `file-L12`.
  function parse(hash) {
    const found = /^#(.*)-L(\d+)$/.exec(hash);
    if (!found) return null;
    try { return { file: decodeURIComponent(found[1]), line: Number(found[2]) }; } catch { return null; }
  }

  const link = (file, line) => `#${encodeURIComponent(file).replace(/%2F/g, '/')}-L${line}`;

  // The function that has a line, or begins there.
  function at(functions, place) {
    return functions.findIndex((f) => f.file === place.file && place.line >= f.line && place.line <= f.end);
  }

  // The lines of a function that are hot: those of the highest levels.
  const hot = (f) => f.rows.filter((row) => row.heat >= 4).map((row) => row.line);

  // A table as Markdown.
  function markdown(f) {
    const cell = (text) => String(text).trim().replace(/\|/g, '\\|');
    const head = ['Line', ...f.columns.slice(1), 'Code'];
    const rows = f.rows.filter((row) => row.cells.slice(1).some(Boolean))
      .map((row) => [...row.cells, `\`${row.code.trim().replace(/`/g, "'")}\``].map(cell).join(' | '));
    return [`${f.name} (${f.file}:${f.line})`, '', `| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row} |`)].join('\n');
  }

  // Lines as objects: in the data they are arrays.
  const rows = (lines) => lines.map(([line, heat, group, cells, code]) => ({ line, heat, group: group === 1, cells: [String(line), ...cells], code }));

  // Blanks that all lines with code begin with.
  function indentation(rows) {
    const blanks = rows.filter((row) => row.code.trim()).map((row) => row.code.length - row.code.trimStart().length);
    return blanks.length ? Math.min(...blanks) : 0;
  }

  return { chosen, parse, link, at, hot, markdown, indentation, rows };
})();
if (typeof module !== 'undefined') module.exports = hprof;

if (typeof document !== 'undefined') (() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const functions = data.functions;
  for (const f of functions) f.rows = hprof.rows(f.rows);
  const $ = (id) => document.getElementById(id);
  const store = { get: (key) => { try { return localStorage.getItem(key); } catch { return null; } }, set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* the page works without */ } } };
  const hidden = new Set((store.get('hprof-hidden') ?? 'Per Hit,Net,n,Freed').split(','));
  let order = [];
  let shown = -1;

  function make(name, text, attributes = {}) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function bar(percent, width, height) {
    const space = 'http://www.w3.org/2000/svg';
    const svg = document.createElementNS(space, 'svg');
    for (const [key, value] of Object.entries({ class: 'bar', width, height, role: 'img', 'aria-label': `${percent.toFixed(1)} %` })) svg.setAttribute(key, value);
    const rect = document.createElementNS(space, 'rect');
    for (const [key, value] of Object.entries({ x: 0, y: 0, height, width: Math.max(percent > 0 ? 1 : 0, percent / 100 * width) })) rect.setAttribute(key, value);
    svg.append(rect);
    return svg;
  }

  const WORDS = /("(?:[^"\\]|\\.)*"|\/\/.*$)|\b(as|async|await|break|const|continue|dyn|else|enum|extern|fn|for|if|impl|in|let|loop|match|mod|move|mut|pub|ref|return|self|Self|static|struct|super|trait|type|unsafe|use|where|while|true|false)\b/g;
  function code(cell, text) {
    let last = 0;
    for (const found of text.matchAll(WORDS)) {
      cell.append(text.slice(last, found.index), make('span', found[0], { class: found[2] ? 'k' : found[0].startsWith('//') ? 'c' : 's' }));
      last = found.index + found[0].length;
    }
    cell.append(text.slice(last));
  }

  function list() {
    const key = $('sort').value;
    order = hprof.chosen(functions, $('filter').value, key);
    const most = Math.max(1, ...functions.map((f) => f.ns));
    const items = order.slice(0, 500).map((at) => {
      const f = functions[at];
      const anchor = make('a', undefined, { href: hprof.link(f.file, f.line) });
      anchor.append(make('div', f.name, { class: 'name' }));
      const small = make('small');
      small.append(make('span', `${f.total}`), bar(100 * f.ns / most, 60, 8), make('span', `${f.calls} ${f.calls === 1 ? 'call' : 'calls'}`));
      anchor.append(small);
      if (at === shown) anchor.setAttribute('aria-current', 'true');
      const item = make('li');
      item.append(anchor);
      return item;
    });
    $('list').replaceChildren(...items);
    $('count').textContent = order.length > 500 ? `500 of ${order.length} functions: use the filter` : `${order.length} ${order.length === 1 ? 'function' : 'functions'}`;
    store.set('hprof-sort', key);
  }

  function edges(title, found, ends) {
    if (!found.length) return [];
    const table = make('table');
    const head = make('tr');
    for (const [text, kind] of [['Line', ''], ['Calls', ''], ['Time', ''], [title, 'text']]) head.append(make('th', text, { class: kind, scope: 'col' }));
    table.append(head);
    for (const edge of found) {
      const row = make('tr');
      const other = functions[ends(edge)];
      row.append(make('td', edge.line), make('td', edge.calls), make('td', edge.time));
      const cell = make('td', undefined, { class: 'text' });
      cell.append(other ? make('a', other.name, { href: hprof.link(other.file, ends(edge) === edge.caller ? edge.line : other.line) }) : '?');
      row.append(cell);
      table.append(row);
    }
    const box = make('div', undefined, { class: 'scroll' });
    box.append(table);
    return [make('h3', title), box];
  }

  // Shows the columns that are chosen, and no others.
  function choose(table, columns) {
    for (const row of table.rows) columns.forEach((title, column) => { row.cells[column].hidden = hidden.has(title); });
  }

  function choices(f, table) {
    const group = make('span', undefined, { role: 'group', 'aria-label': 'Columns' });
    for (const title of f.columns.slice(1).filter(Boolean)) {
      const box = make('input', undefined, { type: 'checkbox' });
      box.checked = !hidden.has(title);
      box.addEventListener('change', () => {
        if (box.checked) hidden.delete(title); else hidden.add(title);
        store.set('hprof-hidden', [...hidden].join(','));
        choose(table, f.columns);
      });
      const label = make('label');
      label.append(box, ` ${title} `);
      group.append(label);
    }
    choose(table, f.columns);
    return group;
  }

  function show(at, line) {
    const f = functions[at];
    if (!f) return;
    if (shown !== at) {
      shown = at;
      const table = make('table', undefined, { id: 'source' });
      const head = make('tr');
      f.columns.forEach((title) => head.append(make('th', title, { scope: 'col' })));
      head.append(make('th', 'Line Contents', { class: 'text', scope: 'col' }));
      table.append(head);
      const blanks = hprof.indentation(f.rows);
      for (const row of f.rows) {
        const tr = make('tr', undefined, { 'data-line': row.line });
        if (row.group) tr.className = 'group';
        row.cells.forEach((text, column) => tr.append(make('td', text, { class: column === 0 ? 'dim' : f.heat.includes(column) && row.heat ? `h${row.heat}` : '' })));
        const cell = make('td', undefined, { class: 'text' });
        code(cell, row.code.slice(Math.min(blanks, row.code.length)));
        tr.append(cell);
        table.append(tr);
      }
      const box = make('div', undefined, { class: 'scroll' });
      box.append(table);
      const tools = make('div', undefined, { class: 'tools' });
      const copy = make('button', 'Copy as Markdown', { type: 'button' });
      copy.addEventListener('click', () => { if (navigator.clipboard) navigator.clipboard.writeText(hprof.markdown(f)).then(() => { copy.textContent = 'Copied'; }, () => {}); });
      tools.append(make('span', `${f.module}::${f.name}, ${f.file}:${f.line}; ${f.calls} calls, total ${f.total}, self ${f.selfText}`), copy, choices(f, table));
      $('function').replaceChildren(make('h2', f.name), tools, box, make('div', undefined, { id: 'edges' }));
      list();
    }
    for (const row of document.querySelectorAll('#source tr.here')) row.classList.remove('here');
    const row = document.querySelector(`#source tr[data-line="${line}"]`);
    const own = line !== f.line && row;
    if (row) { row.classList.add('here'); row.scrollIntoView({ block: 'center' }); } else { $('function').scrollIntoView(); }
    const callees = data.edges.filter((edge) => edge.caller === at && (!own || edge.line === line));
    const callers = data.edges.filter((edge) => edge.callee === at);
    $('edges').replaceChildren(...edges(own ? `Called from line ${line}` : 'Calls', callees, (edge) => edge.callee), ...edges('Called by', callers, (edge) => edge.caller));
  }

  function follow() {
    const place = hprof.parse(location.hash);
    if (!place) return;
    const found = hprof.at(functions, place);
    if (found >= 0) show(found, place.line);
  }

  function step(by) {
    const next = order[Math.min(Math.max(order.indexOf(shown) + by, 0), order.length - 1)];
    if (next !== undefined) location.hash = hprof.link(functions[next].file, functions[next].line);
  }

  // The next hot line: of this function, then of the functions below it in the list.
  function stepHot(by) {
    const lines = order.flatMap((at) => hprof.hot(functions[at]).map((line) => ({ at, line })));
    const place = hprof.parse(location.hash);
    const now = lines.findIndex((one) => one.at === shown && place && one.line === place.line);
    const first = lines.findIndex((one) => one.at === shown);
    const next = lines[now >= 0 ? now + by : Math.max(first, 0)];
    if (next) location.hash = hprof.link(functions[next.at].file, next.line);
  }

  function flame() {
    const svg = document.querySelector('.flame svg');
    if (!svg) return;
    svg.addEventListener('click', (event) => {
      const title = event.target.closest('g')?.querySelector('title')?.textContent || '';
      const found = functions.findIndex((f) => title.startsWith(`${f.module}::${f.name} (`) || title.startsWith(`${f.name} (`) || title.includes(`::${f.name} (`));
      if (found >= 0) location.hash = hprof.link(functions[found].file, functions[found].line);
    });
    $('flame-search').addEventListener('input', () => {
      const word = $('flame-search').value.toLowerCase();
      for (const group of svg.querySelectorAll('g')) {
        const title = group.querySelector(':scope > title');
        if (!title) continue;
        const found = hprof.parse(`#${word.replace(/:(\d+)$/, '-L$1')}`);
        const inFile = found && functions.some((f) => f.file.toLowerCase().endsWith(found.file) && found.line >= f.line && found.line <= f.end && title.textContent.includes(f.name));
        group.querySelector('rect')?.classList.toggle('found', word !== '' && (inFile || title.textContent.toLowerCase().includes(word)));
      }
    });
  }

  document.documentElement.classList.add('scripted');
  const theme = store.get('hprof-theme');
  if (theme) document.documentElement.classList.add(theme);
  $('theme').addEventListener('click', () => {
    const root = document.documentElement.classList;
    const dark = root.contains('dark') || (!root.contains('light') && matchMedia('(prefers-color-scheme: dark)').matches);
    root.remove('dark', 'light');
    root.add(dark ? 'light' : 'dark');
    store.set('hprof-theme', dark ? 'light' : 'dark');
  });
  $('sort').value = store.get('hprof-sort') || 'total';
  if (!$('sort').value) $('sort').value = 'total';
  $('sort').addEventListener('change', list);
  $('filter').addEventListener('input', list);
  $('function').addEventListener('click', (event) => {
    const row = event.target.closest('#source tr[data-line]');
    if (row && shown >= 0) location.hash = hprof.link(functions[shown].file, Number(row.dataset.line));
  });
  addEventListener('hashchange', follow);
  addEventListener('keydown', (event) => {
    if (event.target.closest('input, select') || event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key === 'Escape') event.target.blur();
      return;
    }
    const keys = { '/': () => $('filter').focus(), j: () => step(1), k: () => step(-1), n: () => stepHot(1), p: () => stepHot(-1), f: () => $('flame')?.scrollIntoView(), t: () => scrollTo(0, 0), '?': () => $('help').showModal() };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  list();
  flame();
  follow();
})();
