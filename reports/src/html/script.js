// The page of a profile: list of functions, source with figures, callers and callees, flamegraph. All texts come from the data as text, never as markup.
'use strict';
const hprof = (() => {
  const KEYS = { total: (f) => f.ns, self: (f) => f.self, hits: (f) => f.hits, bytes: (f) => f.bytes, calls: (f) => f.calls, changes: (f) => (f.changes ? f.changes.count : 0) };

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
  const hot = (rows) => rows.filter((row) => row.heat >= 4).map((row) => row.line);

  // The lines of a table that have figures, for other programs: as Markdown, and with tabs.
  const measured = (rows) => rows.filter((row) => row.cells.slice(1).some(Boolean));
  const heads = (columns) => [columns[0].replace(' #', ''), ...columns.slice(1), 'Code'];
  function markdown(f, columns, lines) {
    const cell = (text) => String(text).trim().replace(/\|/g, '\\|');
    const head = heads(columns);
    const rows = measured(lines).map((row) => [...row.cells, `\`${row.code.trim().replace(/`/g, "'")}\``].map(cell).join(' | '));
    return [`${f.name} (${f.file}:${f.line})`, '', `| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row} |`)].join('\n');
  }

  const tabs = (columns, lines) => [heads(columns), ...measured(lines).map((row) => [...row.cells, row.code])]
    .map((cells) => cells.map((text) => String(text).replace(/\t/g, '  ').trimEnd()).join('\t')).join('\n');

  // The lines seen in some parts of the run, both ends included: most first, with their share of all looks there.
  function within(looks, from, to) {
    const sum = (parts) => parts.slice(from, to + 1).reduce((all, part) => all + part, 0);
    const all = sum(looks.all);
    const lines = looks.lines.map(([at, line, parts]) => ({ at, line, looks: sum(parts) })).filter((line) => line.looks > 0);
    lines.sort((a, b) => b.looks - a.looks);
    return { all, lines: lines.map((line) => ({ ...line, percent: 100 * line.looks / all })) };
  }

  // Lines as objects: in the data they are arrays.
  const changes = (lines) => lines.map(([line, tendency, cells, code]) => ({ line, tendency, cells, code, heat: 0, group: false }));
  const rows = (lines) => lines.map(([line, heat, group, cells, code]) => ({ line, heat, group: group === 1, cells: [String(line), ...cells], code }));

  // Blanks that all lines with code begin with.
  function indentation(rows) {
    const blanks = rows.filter((row) => row.code.trim()).map((row) => row.code.length - row.code.trimStart().length);
    return blanks.length ? Math.min(...blanks) : 0;
  }

  return { chosen, parse, link, at, hot, markdown, tabs, within, indentation, rows, changes };
})();
if (typeof module !== 'undefined') module.exports = hprof;

if (typeof document !== 'undefined') (() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const functions = data.functions;
  // The lines of a function as objects, made when they are first asked for.
  const linesOf = (f) => { f.lines = f.lines || hprof.rows(f.rows); return f.lines; };
  const $ = (id) => document.getElementById(id);
  const store = { get: (key) => { try { return localStorage.getItem(key); } catch { return null; } }, set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* the page works without */ } } };
  // In a narrow window more columns make room for the code, until their boxes are ticked.
  const hidden = new Set((store.get('hprof-hidden') ?? `Per Hit,Net,n,Freed${innerWidth < 900 ? ',CPU,Wait,Await,Trips,Allocs,Bytes' : ''}`).split(','));
  let order = [];
  let shown = -1;
  // Whether functions are shown as they are in both profiles, where there are two.
  let both = functions.some((f) => f.changes);

  function make(name, text, attributes = {}) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function picture(name, attributes) {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function bar(percent, width, height) {
    const svg = picture('svg', { class: 'bar', width, height, role: 'img', 'aria-label': `${percent.toFixed(1)} %` });
    svg.append(picture('rect', { x: 0, y: 0, height, width: Math.max(percent > 0 ? 1 : 0, percent / 100 * width) }));
    return svg;
  }

  function row(cells, tag = 'td', attributes = {}) {
    const made = make('tr', undefined, attributes);
    for (const [text, kind] of cells) {
      const cell = make(tag, typeof text === 'object' ? undefined : text, tag === 'th' ? { scope: 'col', class: kind } : { class: kind });
      if (typeof text === 'object') cell.append(text);
      made.append(cell);
    }
    return made;
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

  const calls = (f) => `${f.calls} ${f.calls === 1 ? 'call' : 'calls'}`;

  function list() {
    const key = $('sort').value;
    order = hprof.chosen(functions, $('filter').value, key);
    const most = Math.max(1, ...functions.map((f) => f.ns));
    const items = order.slice(0, 500).map((at) => {
      const f = functions[at];
      const anchor = make('a', undefined, { href: hprof.link(f.file, f.line) });
      anchor.append(make('div', f.name, { class: 'name' }));
      const small = make('small');
      small.append(make('span', `${f.total}`), bar(100 * f.ns / most, 60, 8), make('span', calls(f)));
      anchor.append(small);
      if (f.changes && f.changes.count) anchor.append(make('div', `${f.changes.count} changed`, { class: 'changed' }));
      anchor.dataset.at = at;
      const item = make('li');
      item.append(anchor);
      return item;
    });
    $('list').replaceChildren(...items);
    mark();
    $('count').textContent = order.length > 500 ? `500 of ${order.length} functions: use the filter` : `${order.length} ${order.length === 1 ? 'function' : 'functions'}`;
    store.set('hprof-sort', key);
  }

  // Says in the list which function is shown.
  function mark() {
    for (const anchor of document.querySelectorAll('#list a[aria-current]')) anchor.removeAttribute('aria-current');
    document.querySelector(`#list a[data-at="${shown}"]`)?.setAttribute('aria-current', 'true');
  }

  function edges(title, found, ends) {
    if (!found.length) return [];
    const table = make('table');
    table.append(row([['Line', ''], ['Calls', ''], ['Time', ''], [title, 'text']], 'th'));
    for (const edge of found) {
      const other = functions[ends(edge)];
      const name = make('a', other.name, { href: hprof.link(other.file, ends(edge) === edge.caller ? edge.line : other.line) });
      table.append(row([[edge.line, ''], [edge.calls, ''], [edge.time, ''], [name, 'text']]));
    }
    const box = make('div', undefined, { class: 'scroll' });
    box.append(table);
    return [make('h3', title), box];
  }

  // Shows the columns that are chosen, and no others.
  function choose(table, columns) {
    for (const row of table.rows) columns.forEach((title, column) => { row.cells[column].hidden = hidden.has(title); });
  }

  function choices(columns, table) {
    const group = make('span', undefined, { role: 'group', class: 'columns', 'aria-label': 'Columns' });
    for (const title of columns.slice(1).filter(Boolean)) {
      const box = make('input', undefined, { type: 'checkbox' });
      box.checked = !hidden.has(title);
      box.addEventListener('change', () => {
        if (box.checked) hidden.delete(title); else hidden.add(title);
        store.set('hprof-hidden', [...hidden].join(','));
        choose(table, columns);
      });
      const label = make('label');
      label.append(box, ` ${title} `);
      group.append(label);
    }
    choose(table, columns);
    return group;
  }

  // The table of a function: as it is in this profile, or in both.
  function source(f, columns, rows) {
    const table = make('table', undefined, { id: 'source' });
    table.append(row([...columns.map((title) => [title, '']), ['Line Contents', 'text']], 'th'));
    const blanks = hprof.indentation(rows);
    const numbers = columns[0] === 'A' ? 2 : 1;
    for (const line of rows) {
      const text = document.createDocumentFragment();
      code(text, line.code.slice(Math.min(blanks, line.code.length)));
      const shade = (column) => (column < numbers ? 'dim' : f.heat.includes(column) && line.heat ? `h${line.heat}` : '');
      const tr = row([...line.cells.map((cell, column) => [cell, shade(column)]), [text, 'text']], 'td', { class: line.tendency || (line.group ? 'group' : '') });
      if (line.line) tr.dataset.line = line.line;
      table.append(tr);
    }
    return table;
  }

  // Where in a long function the hot lines are, or those that changed.
  function minimap(rows) {
    const map = picture('svg', { id: 'minimap', viewBox: `0 0 1 ${rows.length}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    rows.forEach((line, at) => {
      const level = line.heat ? `h${line.heat}` : line.tendency;
      if (level && level !== 'same') map.append(picture('rect', { class: level, x: 0, y: at, width: 1, height: Math.max(1, rows.length / 200) }));
    });
    map.addEventListener('click', (event) => {
      const { top, height } = map.getBoundingClientRect();
      $('source').rows[1 + Math.floor((event.clientY - top) / height * rows.length)]?.scrollIntoView({ block: 'center' });
    });
    return map;
  }

  function copier(name, text) {
    const button = make('button', name, { type: 'button' });
    button.addEventListener('click', () => { navigator.clipboard?.writeText(text()).then(() => { button.textContent = 'Copied'; }, () => { button.textContent = 'Not allowed'; }); });
    return button;
  }

  // Builds what the page has of a function.
  function build(f) {
    const compared = f.changes && (both || !f.rows.length);
    const columns = compared ? f.changes.columns : f.columns;
    const rows = compared ? hprof.changes(f.changes.rows) : linesOf(f);
    const table = source(f, columns, rows);
    const box = make('div', undefined, { class: 'scroll' });
    box.append(table);
    const around = make('div', undefined, { class: 'around' });
    around.append(box);
    if (rows.length > 40) around.append(minimap(rows));
    const tools = make('div', undefined, { class: 'tools' });
    const about = compared ? f.changes.summary : `${f.module}::${f.name}, ${f.file}:${f.line}; ${calls(f)}, total ${f.total}, self ${f.selfText}`;
    tools.append(make('span', about), copier('Copy as Markdown', () => hprof.markdown(f, columns, rows)), copier('Copy with tabs', () => hprof.tabs(columns, rows)));
    if (f.changes && f.rows.length) {
      const button = make('button', compared ? 'This profile alone' : 'Both profiles', { type: 'button', id: 'both' });
      button.addEventListener('click', turn);
      tools.append(button);
    }
    tools.append(choices(columns, table));
    $('function').replaceChildren(make('h2', compared ? f.changes.title : f.name), tools, around, make('div', undefined, { id: 'edges' }));
  }

  // Both profiles, or one.
  function turn() {
    if (!functions.some((f) => f.changes)) return;
    both = !both;
    const at = shown;
    shown = -1;
    show(at, hprof.parse(location.hash)?.line, false);
  }

  function show(at, line, moves = true) {
    const f = functions[at];
    if (!f) return;
    if (shown !== at) {
      shown = at;
      build(f);
      mark();
    }
    for (const here of document.querySelectorAll('#source tr.here')) here.classList.remove('here');
    const here = document.querySelector(`#source tr[data-line="${line}"]`);
    const own = line !== f.line && here;
    here?.classList.add('here');
    if (moves) { if (here) here.scrollIntoView({ block: 'center' }); else $('function').scrollIntoView(); }
    const callees = data.edges.filter((edge) => edge.caller === at && (!own || edge.line === line));
    const callers = data.edges.filter((edge) => edge.callee === at);
    $('edges').replaceChildren(...edges(own ? `Called from line ${line}` : 'Calls', callees, (edge) => edge.callee), ...edges('Called by', callers, (edge) => edge.caller));
  }

  function follow() {
    const place = hprof.parse(location.hash);
    if (!place) { if (shown < 0) show(order[0], undefined, false); return; }
    const found = hprof.at(functions, place);
    if (found >= 0) show(found, place.line);
  }

  function step(by) {
    const next = order[Math.min(Math.max(order.indexOf(shown) + by, 0), order.length - 1)];
    if (next !== undefined) location.hash = hprof.link(functions[next].file, functions[next].line);
  }

  // The next hot line: of this function, then of the functions below it in the list.
  function stepHot(by) {
    const lines = order.flatMap((at) => hprof.hot(linesOf(functions[at])).map((line) => ({ at, line })));
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

  // Shares of fewer looks than these are hardly known.
  const ENOUGH = 200;

  // The bar of looks over the run, and the lines seen in a part of it.
  function when() {
    if (!data.looks) return;
    const { all, edges: moments } = data.looks;
    const svg = $('when-bar');
    const most = Math.max(...all);
    const brush = picture('rect', { class: 'brush', y: 0, height: 48 });
    svg.setAttribute('viewBox', `0 0 ${all.length} 48`);
    svg.append(brush, ...all.map((looks, at) => picture('rect', { class: 'looks', x: at + 0.05, width: 0.9, y: 48 - 46 * looks / most, height: 46 * looks / most })));
    const [from, to] = [$('when-from'), $('when-to')];
    for (const end of [from, to]) { end.max = all.length - 1; end.addEventListener('input', draw); }
    from.value = 0;
    to.value = all.length - 1;
    function draw() {
      const [first, last] = [Number(from.value), Number(to.value)].sort((a, b) => a - b);
      brush.setAttribute('x', first);
      brush.setAttribute('width', last - first + 1);
      const found = hprof.within(data.looks, first, last);
      const range = moments.length ? `${moments[first]} to ${moments[last + 1]}` : `parts ${first + 1} to ${last + 1} of ${all.length}`;
      $('when-range').textContent = `${range}: ${found.all} looks, sampled${found.all < ENOUGH ? ': too few for more than a hint' : ''}`;
      const rows = found.lines.slice(0, 12).map((one) => {
        const f = functions[one.at];
        const name = make('a', `${f.file}:${one.line}`, { href: hprof.link(f.file, one.line) });
        const text = linesOf(f).find((line) => line.line === one.line)?.code.trim() || '';
        return row([[one.percent.toFixed(1), ''], [bar(one.percent, 80, 9), ''], [one.looks, ''], [name, 'text'], [text, 'text']]);
      });
      $('when-lines').replaceChildren(row([['% of looks', ''], ['', ''], ['Looks', ''], ['Place', 'text'], ['Line Contents', 'text']], 'th'), ...rows);
    }
    const part = (event) => { const { left, width } = svg.getBoundingClientRect(); return Math.min(all.length - 1, Math.max(0, Math.floor((event.clientX - left) / width * all.length))); };
    svg.addEventListener('pointerdown', (event) => { svg.setPointerCapture(event.pointerId); from.value = part(event); to.value = from.value; draw(); });
    svg.addEventListener('pointermove', (event) => { if (event.buttons) { to.value = part(event); draw(); } });
    draw();
  }

  document.documentElement.classList.add('scripted');
  for (const box of document.querySelectorAll('.only-static')) box.remove();
  const theme = store.get('hprof-theme');
  if (theme) document.documentElement.classList.add(theme);
  $('theme').addEventListener('click', () => {
    const root = document.documentElement.classList;
    const dark = root.contains('dark') || (!root.contains('light') && matchMedia('(prefers-color-scheme: dark)').matches);
    root.remove('dark', 'light');
    root.add(dark ? 'light' : 'dark');
    store.set('hprof-theme', dark ? 'light' : 'dark');
  });
  $('sort').value = both ? 'changes' : store.get('hprof-sort') || 'total';
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
    const keys = { '/': () => $('filter').focus(), j: () => step(1), k: () => step(-1), n: () => stepHot(1), p: () => stepHot(-1), d: turn, f: () => $('flame')?.scrollIntoView(), t: () => scrollTo(0, 0), '?': () => $('help').showModal() };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  list();
  flame();
  when();
  follow();
})();
