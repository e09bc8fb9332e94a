// Opens a file in speedscope, as `npm install` has brought it, and prints what its table shows: a line for each row. Before, its own schema must accept the file.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { chromium } from '../browser/chromium.mjs';

const [packages, program, file] = process.argv.slice(2);
const release = join(resolve(packages), 'node_modules/speedscope/dist/release');
const text = readFileSync(file, 'utf8');

const Ajv = createRequire(join(resolve(packages), 'package.json'))('ajv');
const schema = new Ajv({ strict: false });
const accepts = schema.compile(JSON.parse(readFileSync(join(release, 'file-format-schema.json'), 'utf8')));
if (!accepts(JSON.parse(text))) throw new Error(`the schema refuses it: ${schema.errorsText(accepts.errors)}`);

// What speedscope's own command writes to open a file of the disk.
const script = resolve(`${file}.js`);
const content = Buffer.from(text).toString('base64');
writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(basename(file))}, ${JSON.stringify(content)})`);
const browser = chromium(program);
try {
  const page = await browser.open(join(release, 'index.html'), { place: `#localProfilePath=${script}` });
  await page.until(() => document.title.endsWith(' - speedscope'));
  console.log(await page.ask(() => document.title));
  // The sandwich view is a table of text; the others are pictures.
  await page.press('3');
  await page.until(() => document.body.innerText.includes('Symbol Name'));
  const rows = await page.until(() => {
    const found = [...document.querySelectorAll('tr')].map((row) => row.innerText.replace(/\s+/g, ' ').trim());
    return found.length > 1 && found.slice(1);
  });
  console.log(rows.join('\n'));
} finally {
  await browser.close();
}
