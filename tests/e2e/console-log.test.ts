/** Logs in the real console: a real supervisor, jobs with real shims, a terminal. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import type { RemoteSupervisor } from '../../src/supervisor/wire/client.ts';
import { type Bundle, bundleProgram } from '../helpers/bundle.ts';
import { startDaemon } from '../helpers/daemon.ts';
import { createTestHome, type TestHome, viewOf } from '../helpers/jobs.ts';
import { HELP, KEYS, openTui, type Tui, type TuiOptions } from '../helpers/tui.ts';
import { until } from '../helpers/until.ts';

let bundle: Bundle;
let home: TestHome;
let client: RemoteSupervisor;
const open: Tui[] = [];

beforeAll(async () => {
  bundle = await bundleProgram('tests/fixtures/job-console.ts');
});
beforeEach(async () => {
  home = createTestHome();
  client = await (await startDaemon(home)).attach('another@shell');
  await client.ready();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((tui) => tui.close()));
  await client.close();
  await home.remove();
});
afterAll(() => bundle?.remove());

let keys = 0;
const launch = (...args: string[]) => client.launch({ program: 'fixture run', args, idempotencyKey: `key ${++keys}` });
const ended = (id: string) => until(() => hasEnded(viewOf(home.home, id).state), `the end of ${id}`);
const fileOf = (id: string, name: string) => path.join(home.home.jobs, id, name);

async function start(options: TuiOptions = {}): Promise<Tui> {
  const args = [bundle.file, home.at('run/supervisor.sock'), home.home.root];
  const tui = openTui(process.execPath, args, { cols: 140, rows: 40, ...options });
  open.push(tui);
  await tui.waitFor('Log of');
  return tui;
}

/** Rows of the screen that hold lines of the log. */
const logRows = (screen: string) =>
  screen
    .split('\n')
    .flatMap((row) => (/║[ ▸][ ◆]o [ DIWE] /.test(row.replace('║ ', '║')) ? [row.slice(row.indexOf('║'))] : []));
/** The row with the cursor, without what stands around it. */
const cursorRow = (screen: string) => /║ (▸.*?) *║/.exec(screen)?.[1] ?? '';

/** What the console says at its end. */
async function ending(tui: Tui): Promise<{ sent: { bytes: number }; peakKiB: number }> {
  tui.press('q');
  await tui.exited;
  await tui.settled();
  const line = /\{"end".*\}/s.exec(tui.raw().replaceAll(/\r?\n/g, ''));
  if (!line) throw new Error(`no last words:\n${tui.screen()}`);
  return JSON.parse(line[0]);
}

describe('log text', () => {
  test('cannot drive the terminal', async () => {
    const evil =
      '\x1b]52;c;ZXZpbA==\x07\x1b]0;evil title\x07\x1b[?1049l\x1b[2J\x1b[31mred\x1b[0m \x1b[5;5Hmoved \x9b2J\x9d52;c;x\x9c end\n';
    const { id } = await launch('--print', evil, '--print-err', '\x1b[?25h\x1b[6n\x1bc\n');
    await ended(id);
    const tui = await start();
    const screen = await tui.waitFor('^[]52;c;ZXZpbA==^G');
    expect(screen).toContain('^[]0;evil title^G^[[?1049l^[[2Jred ^[[5;5Hmoved');
    expect(screen).toContain('^[[?25h^[[6n^[c');
    expect(tui.raw()).not.toMatch(/\x1b\]52|\x1b\]0;evil|\x1b\[6n|\x1bc|\x9b|\x9d/);
    expect(tui.alternate()).toBe(true);
    tui.press('q');
    expect(await tui.exited).toMatchObject({ exitCode: 0 });
  });

  test('is whole, capped and harmless, whatever its bytes are', async () => {
    const { id } = await launch('--print', `10 %\r50 %\r100 %\n`, '--print-err', 'no newline at the end');
    await ended(id);
    // What a program may leave behind: an endless line, broken characters, no newline at the end.
    const odd = Buffer.concat([
      Buffer.from('before\n'),
      Buffer.alloc(10 * 1024 * 1024, 'x'),
      Buffer.from('\nsplit \xc3\n\xa9 caf\xc3\xa9\nlast words without end', 'latin1'),
    ]);
    const tui = await start();
    const first = await tui.waitFor(/ e {3}no newline at the end/);
    expect(logRows(first).join()).toContain('100 %');
    expect(logRows(first).join()).not.toContain('50 %');
    writeFileSync(fileOf(id, JobFile.stdout), odd);
    tui.press('o'.repeat(2));
    await tui.waitFor('streams: out');
    // Another look at the log: another job, and back.
    await launch('--print', 'other\n').then((other) => ended(other.id));
    await tui.waitFor('0 running · 0 queued · 2 ended');
    tui.press(KEYS.shiftTab);
    await tui.waitFor('╔═ Jobs');
    tui.press('j');
    const screen = await tui.waitFor('last words without end');
    expect(screen).toContain('split \ufffd');
    expect(screen).toContain('\ufffd café');
    tui.press(`${KEYS.tab}g`);
    await tui.waitFor('before');
    tui.press('V');
    await tui.waitFor('info and worse');
    tui.press(KEYS.right.repeat(40));
    tui.press('w');
    await tui.waitFor('long lines are broken');
    await tui.waitFor(/xxxxxxxxxx/);
    // 10 MiB without a newline are shown in pieces, each with its beginning and how much it hides.
    tui.press('/\\+\\d+ bytes\r');
    await tui.waitFor(/match \d+ of 159 matches/);
  });
});

describe('a log of a million lines', () => {
  test('is opened, left for its start, searched and scrolled in bounded memory', async () => {
    const small = await launch('--lines', '10');
    await ended(small.id);
    const little = await start();
    await little.waitFor(/line 1[34] of 1[34]/);
    const base = await ending(little);

    const big = await launch('--lines', '1000000');
    await ended(big.id);
    const tui = await start();
    await tui.waitFor('last words');
    await tui.waitFor('line 1,000,003 of 1,000,003');
    tui.press('g');
    await tui.waitFor(/▸ v I ── work|▸ o {3}line 1 /);
    tui.press(KEYS.pageDown);
    await tui.waitFor('line 11 of 1,000,003');
    tui.press('/line 7\\d{5}$');
    await tui.waitFor(/▸ o {3}line 700000/);
    tui.press('\r');
    await tui.waitFor('match 1 of 100,000 matches');
    tui.press('[');
    await tui.waitFor('match 100,000 of 100,000 matches');
    expect(tui.screen()).toMatch(/▸ o {3}line 799999/);
    tui.press('G');
    await tui.waitFor(/▸ v I result: done/);
    const after = await ending(tui);
    // Of 13.9 MB of text, and of what is made of it, only windows are in memory.
    expect((after.peakKiB - base.peakKiB) / 1024).toBeLessThan(50);
  });
});

describe('a job that prints tens of thousands of lines a second', () => {
  test('loses nothing on the disk, and keys are answered meanwhile', async () => {
    const stop = home.at('stop');
    const { id } = await launch('--lines-until', stop);
    const tui = await start();
    await tui.waitFor(/≈ [\d,]+ lines\/s/);
    for (let i = 0; i < 3; i++) {
      tui.press('?');
      await tui.waitFor(HELP);
      tui.press(KEYS.escape);
      await tui.waitFor(/≈ [\d,]+ lines\/s/);
    }
    // Alone on the screen: figures that come take no rows from it. Scrolled up, it stands still though lines come.
    tui.press('z');
    tui.press(KEYS.up.repeat(3));
    await tui.waitFor('○ f follows');
    const lines = (screen: string) => screen.match(/flood \d+/g);
    const held = lines(await tui.waitFor(/▸ out +flood \d+/));
    const grown = statSync(fileOf(id, JobFile.stdout)).size;
    await until(() => statSync(fileOf(id, JobFile.stdout)).size > grown + 200_000, 'more lines');
    await tui.waitFor(/line [\d,]+ of/);
    expect(lines(tui.screen())).toEqual(held);
    expect(viewOf(home.home, id).state).toBe('RUN');
    writeFileSync(stop, '');
    await ended(id);
    tui.press('f');
    await tui.waitFor('last words');
    const text = readFileSync(fileOf(id, JobFile.stdout), 'utf8').trimEnd().split('\n');
    expect(text.pop()).toBe('last words');
    const whole = Array.from({ length: text.length }, (_, i) => `flood ${i}`);
    const hash = (rows: readonly string[]) => createHash('sha256').update(rows.join('\n')).digest('hex');
    expect(hash(text)).toBe(hash(whole));
  });
});

describe('looking at a log', () => {
  const words = Array.from({ length: 300 }, (_, i) => `${i % 10 === 0 ? 'WARN' : 'INFO'} word ${i}\n`).join('');

  test('toggles keep line, filter and search; filters and levels say what they hide', async () => {
    const { id } = await launch('--print', words, '--print-err', 'ERROR it broke\n');
    await ended(id);
    const tui = await start();
    await tui.waitFor('line 304 of 304');
    tui.press('&word \\d*5');
    await tui.waitFor('&word \\d*5 ');
    tui.press('\r');
    const filtered = await tui.waitFor(/&word \\d\*5 \d+ of 304 lines/);
    expect(logRows(filtered).every((row) => /word \d*5/.test(row))).toBe(true);
    tui.press(KEYS.up.repeat(4));
    await tui.waitFor('○ f follows');
    const shown = cursorRow(tui.screen()).split('INFO')[1];
    expect(shown).toMatch(/word \d*5/);
    for (const [key, said] of [
      ['w', 'long lines are broken'],
      ['w', 'long lines are cut'],
      ['t', 'times: absolute'],
      ['t', 'times: since start'],
      ['t', 'times: delta'],
      ['t', 'times: off'],
      ['V', 'info and worse'],
    ]) {
      tui.press(key);
      const screen = await tui.waitFor(said);
      expect(screen).toContain('○ f follows');
      expect(screen).toMatch(/&word \\d\*5/);
      expect(cursorRow(screen)).toContain(`INFO${shown}`);
    }
    // Esc takes the filter away; the cursor stays on its line.
    tui.press(KEYS.escape);
    await tui.waitFor((screen) => !screen.includes('info and worse'));
    tui.press(KEYS.escape);
    await tui.waitFor((screen) => !screen.includes('&word'));
    await tui.waitFor((screen) => cursorRow(screen).includes(`INFO${shown}`));
    tui.press('V');
    await tui.waitFor('warn and worse');
    const warned = await tui.waitFor(/lines below WARN hidden/);
    expect(logRows(warned).every((row) => row.includes('WARN'))).toBe(true);
    expect(warned).toContain('≥ WARN');
  });

  test('search is incremental, goes around, and Esc goes back to where it began', async () => {
    const { id } = await launch('--print', words);
    await ended(id);
    const tui = await start();
    await tui.waitFor('line 303 of 303');
    tui.press('g');
    await tui.waitFor(/line 1 of 303/);
    tui.press('/word 2');
    await tui.waitFor(/▸ o I INFO word 2 /);
    tui.press('5');
    await tui.waitFor(/▸ o I INFO word 25 /);
    tui.press(KEYS.escape);
    await tui.waitFor(/line 1 of 303/);
    tui.press('/word 25\r');
    await tui.waitFor('match 1 of 11 matches');
    tui.press(']');
    await tui.waitFor('match 2 of 11 matches');
    tui.press('[[');
    await tui.waitFor('match 11 of 11 matches');
    expect(tui.screen()).toMatch(/▸ o . .* word 259 /);
    // The match stands out without colour too.
    const row = tui
      .screen()
      .split('\n')
      .findIndex((text) => /▸ o . .* word 259 /.test(text));
    const column = tui.screen().split('\n')[row].indexOf('word 25');
    expect(tui.cell(column, row).inverse).toBe(true);
    tui.press('/(');
    await tui.waitFor('is no regular expression');
  });

  test('marks, copies, saves, and opens in the pager', async () => {
    const { id } = await launch('--print', words);
    await ended(id);
    const cwd = home.at('');
    const paged = home.at('paged');
    const tui = await start({ cwd, env: { PAGER: `head -c 60 > '${paged}'`, TMUX: undefined, STY: undefined } });
    await tui.waitFor('line 303 of 303');
    tui.press('m');
    await tui.waitFor('▸◆');
    tui.press('g');
    await tui.waitFor(/line 1 of 303/);
    tui.press("m'");
    await tui.waitFor(/line 303 of 303/);
    tui.press('g');
    await tui.waitFor(/line 1 of 303/);
    // Lines are selected with Space and copied with Y, through the terminal.
    tui.press(' jj');
    await tui.waitFor('selecting');
    await tui.waitFor(/line 3 of 303/);
    const mark = tui.mark();
    tui.press('Y');
    await tui.waitFor('sent to the terminal (OSC 52)');
    const copied = /\x1b\]52;c;([^\x07]*)\x07/.exec(tui.raw(mark))?.[1] ?? '';
    expect(Buffer.from(copied, 'base64').toString()).toBe('WARN word 0\nINFO word 1\nINFO word 2');
    tui.press('&word 1$\r');
    await tui.waitFor(/&word 1\$ 1 of 303 lines/);
    tui.press('>');
    await tui.waitFor(`saved: `);
    await tui.waitFor(`${id}.log`);
    expect(readFileSync(path.join(cwd, `${id}.log`), 'utf8')).toBe('INFO word 1\n');
    expect(readdirSync(cwd).filter((name) => name.includes('draft'))).toEqual([]);
    tui.press('&\x15\r');
    await tui.waitFor((screen) => !screen.includes('&word'));
    // A pager that wants little is given little, and the screen is back afterwards.
    tui.press('v');
    await until(() => existsSync(paged) && readFileSync(paged, 'utf8').length === 60, 'the pager');
    expect(readFileSync(paged, 'utf8')).toBe(words.slice(0, 60));
    await tui.waitFor('Log of');
    tui.press('?');
    await tui.waitFor(HELP);
    tui.press(KEYS.escape);
    await tui.waitFor('Log of');
    expect(tui.alternate()).toBe(true);
  });
});
