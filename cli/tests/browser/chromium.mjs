// Chromium without a window, spoken to over a pipe: neither a library nor a port is needed.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// Nothing takes so long, in milliseconds, on the slowest of machines.
const DEADLINE = 20_000;
const OF_ALL = 240_000;
// The name of what tests run in a page: it is no script of the page.
const ASKED = 'asked-by-a-test';

// A browser of its own: no profile, no state of earlier runs.
export function chromium(program) {
  const home = mkdtempSync(join(tmpdir(), 'hprof-browser-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-pipe', `--user-data-dir=${home}`];
  const child = spawn(program, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: home } });
  const waiting = new Map();
  const pages = new Map();
  let last = 0;
  let rest = '';
  // Messages end with a zero byte, and may come in pieces.
  child.stdio[4].setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\0');
    rest = parts.pop();
    for (const part of parts) {
      const message = JSON.parse(part);
      if (message.id === undefined) { pages.get(message.sessionId)?.hears(message); continue; }
      const { resolve, reject, method } = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) reject(new Error(`${method}: ${message.error.message}`)); else resolve(message.result);
    }
  });
  const send = (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
    last += 1;
    waiting.set(last, { resolve, reject, method });
    child.stdio[3].write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
  });
  const watch = setTimeout(() => child.kill('SIGKILL'), OF_ALL);
  child.on('exit', () => { for (const { reject, method } of waiting.values()) reject(new Error(`${method}: the browser ended`)); });
  return {
    // A page in a window of its own; `look` says how it is shown.
    async open(path, look = {}) {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank', newWindow: true });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const page = new Page((method, params) => send(method, params, sessionId));
      pages.set(sessionId, page);
      await page.begin(look);
      await page.go(pathToFileURL(path).href + (look.place ?? ''));
      return page;
    },
    async close() {
      clearTimeout(watch);
      const ended = new Promise((resolve) => child.on('exit', resolve));
      await send('Browser.close').catch(() => {});
      await ended;
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

class Page {
  constructor(send) {
    this.send = send;
    // What the browser complains of, what was asked for beside the page, and the scripts that ran.
    Object.assign(this, { complaints: [], requests: [], scripts: [], loaded: () => {} });
  }

  hears({ method, params }) {
    const notes = {
      'Runtime.exceptionThrown': () => this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text),
      'Runtime.consoleAPICalled': () => this.complaints.push(params.args.map((arg) => arg.value).join(' ')),
      'Log.entryAdded': () => this.complaints.push(params.entry.text),
      // That Back may skip a page which nobody clicked in is no fault of the page.
      'Audits.issueAdded': () => { if (!JSON.stringify(params.issue).includes('NavigationEntryMarkedSkippable')) this.complaints.push(JSON.stringify(params.issue)); },
      'Network.requestWillBeSent': () => this.requests.push(params.request.url),
      'Debugger.scriptParsed': () => { if (params.url !== ASKED) this.scripts.push(params); },
      'Page.loadEventFired': () => this.loaded(),
    };
    notes[method]?.();
  }

  async begin({ width = 1280, height = 800, dark = false, script = true }) {
    for (const part of ['Page', 'Runtime', 'Log', 'Network', 'Audits', 'Debugger']) await this.send(`${part}.enable`);
    await this.resize(width, height);
    await this.theme(dark);
    await this.send('Emulation.setScriptExecutionDisabled', { value: !script });
  }

  resize(width, height) { return this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false }); }

  theme(dark) { return this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] }); }

  async go(url) { await this.arrives(() => this.send('Page.navigate', { url })); }

  async reload() { await this.arrives(() => this.send('Page.reload')); }

  async arrives(start) {
    const loaded = new Promise((resolve) => { this.loaded = resolve; });
    await start();
    await loaded;
  }

  // What a function gives that runs in the page; it may be a promise.
  async ask(work, ...args) {
    const expression = `(${work})(...${JSON.stringify(args)})\n//# sourceURL=${ASKED}`;
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // Asks until the answer is one, for what happens between frames.
  async until(work, ...args) {
    const end = Date.now() + DEADLINE;
    for (;;) {
      const answer = await this.ask(work, ...args);
      if (answer) return answer;
      if (Date.now() > end) throw new Error(`never true: ${work}`);
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  }

  async press(key) {
    const text = key.length === 1 ? key : undefined;
    const windowsVirtualKeyCode = { Escape: 27, Delete: 46, Enter: 13 }[key];
    await this.send('Input.dispatchKeyEvent', { type: text ? 'keyDown' : 'rawKeyDown', key, text, windowsVirtualKeyCode });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', key, windowsVirtualKeyCode });
  }

  async type(selector, text) {
    await this.ask((found) => { const field = document.querySelector(found); field.focus(); field.select(); }, selector);
    if (text === '') await this.press('Delete'); else await this.send('Input.insertText', { text });
  }

  // The middle of what the selector finds, after it was brought into the window.
  place(selector) {
    return this.ask((found) => {
      const element = document.querySelector(found);
      element.scrollIntoView({ block: 'center', behavior: 'instant' });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2, left: x, top: y, width, height };
    }, selector);
  }

  async click(selector) {
    const { x, y } = await this.place(selector);
    await this.mouse('mousePressed', x, y);
    await this.mouse('mouseReleased', x, y);
  }

  mouse(type, x, y) { return this.send('Input.dispatchMouseEvent', { type, x, y, button: type === 'mouseMoved' ? 'none' : 'left', buttons: type === 'mouseReleased' ? 0 : 1, clickCount: 1 }); }

  async photograph(file) {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    writeFileSync(file, Buffer.from(data, 'base64'));
  }
}
