// How large pages do in a browser: `node budgets.mjs chromium FOLDER`. Prints what it measured beside what is allowed, and ends with 1 if anything is above that.
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from './chromium.mjs';

const [program, folder] = process.argv.slice(2);
const browser = chromium(program);
let kept = true;

function print(what, measured, allowed, unit, isEnough = measured <= allowed) {
  kept = kept && isEnough;
  console.log(`${what}: ${measured.toFixed(measured < 10 ? 1 : 0)} ${unit}, allowed ${allowed} ${unit}${isEnough ? '' : ': TOO MUCH'}`);
}

const PAINT = () => new Promise((resolve) => {
  const look = () => { const paint = performance.getEntriesByName('first-contentful-paint')[0]; if (paint) resolve(paint.startTime); else setTimeout(look, 10); };
  look();
});

// The longest of several, in milliseconds, until the browser has drawn it.
const SORT = async () => {
  const times = [];
  const sort = document.getElementById('sort');
  for (const key of ['self', 'hits', 'name', 'bytes', 'total']) {
    const start = performance.now();
    sort.value = key;
    sort.dispatchEvent(new Event('change'));
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return Math.max(...times);
};

const SWITCH = async () => {
  const times = [];
  const links = [...document.querySelectorAll('#list a')].slice(0, 20).map((anchor) => anchor.getAttribute('href'));
  for (const link of links) {
    const changed = new Promise((resolve) => { addEventListener('hashchange', () => { document.body.getBoundingClientRect(); resolve(performance.now()); }, { once: true }); });
    const start = performance.now();
    location.hash = link;
    times.push(await changed - start);
  }
  // The first one compiles the script.
  return times.slice(1).sort((a, b) => a - b)[Math.floor(times.length / 2)];
};

const SCROLL = async () => {
  const box = document.querySelector('.heat .scroll');
  box.scrollIntoView();
  const frame = () => new Promise((resolve) => { requestAnimationFrame(resolve); });
  await frame();
  const start = await frame();
  let last = start;
  let frames = 0;
  while (last - start < 2000) {
    box.scrollTop = (box.scrollTop + 120) % (box.scrollHeight - box.clientHeight);
    last = await frame();
    frames += 1;
  }
  return 1000 * frames / (last - start);
};

try {
  const large = join(folder, 'large.html');
  print('page of 2,000 functions and 100,000 lines', statSync(large).size / 1e6, 15, 'MB');
  const page = await browser.open(large);
  print('first paint', await page.ask(PAINT), 1000, 'ms');
  await page.ask(SORT);
  print('sort', await page.ask(SORT), 200, 'ms');
  print('another function', await page.ask(SWITCH), 50, 'ms');
  const map = join(folder, 'map.html');
  print('page of 64 ranks and 2,000 lines', statSync(map).size / 1e6, 15, 'MB');
  const ranks = await browser.open(map);
  print('first paint', await ranks.ask(PAINT), 1000, 'ms');
  const frames = await ranks.ask(SCROLL);
  print('scrolling lines by ranks', frames, 30, 'frames a second', frames >= 30);
} finally {
  await browser.close();
}
process.exitCode = kept ? 0 : 1;
