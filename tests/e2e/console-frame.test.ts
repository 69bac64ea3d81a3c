/** The real screens in a real terminal, on a scripted supervisor: bytes, keys, sizes, and how the terminal is left. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { panesOf, SCREENS } from '../../src/console/screens.ts';
import { Random } from '../../src/platform/random.ts';
import { type Bundle, bundleProgram } from '../helpers/bundle.ts';
import { HELP, KEYS, openTui, type Tui, type TuiOptions } from '../helpers/tui.ts';

let bundle: Bundle;
const open: Tui[] = [];

beforeAll(async () => {
  bundle = await bundleProgram('tests/fixtures/console.ts');
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((tui) => tui.close()));
});
afterAll(() => bundle?.remove());

/** Tells the fixture to do something: as a reply of the terminal, so that no key of the console can come in its way. */
const order = (tui: Tui, what: 'throw' | 'break' | 'print' | 'tick' | 'fail'): void =>
  tui.press(`\x1b]fixture;${what}\x07`);

/** The console with its scripted world on the screen. */
async function start(
  options: TuiOptions = {},
  command: readonly string[] = [process.execPath, bundle.file],
  first: string | RegExp = /P1 ?.*FAIL/,
): Promise<Tui> {
  const tui = openTui(command[0], command.slice(1), { cols: 120, rows: 35, ...options });
  open.push(tui);
  await tui.waitFor(options.env?.FIXTURE_SCENE === 'boot' ? 'starting PostgreSQL' : first);
  return tui;
}

/** What the fixture says at its end. */
async function ending(tui: Tui): Promise<{ end: string; asked: string[]; sent: { bytes: number } }> {
  await tui.exited;
  await tui.settled();
  const line = /\{"end".*\}\}/s.exec(tui.raw().replaceAll(/\r?\n/g, ''));
  if (!line) throw new Error(`no last words:\n${tui.screen()}`);
  return JSON.parse(line[0]);
}

/** Presses a key that changes the screen, and waits until it has: everything before it has been drawn then. */
async function drawn(tui: Tui): Promise<void> {
  tui.press('?');
  await tui.waitFor(HELP);
  tui.press(KEYS.escape);
  await tui.waitFor((screen) => !screen.includes(HELP) && tui.raw().endsWith('\x1b[?2026l'));
}

describe('bytes', () => {
  test('an unchanged screen sends none; a changed row little; the whole screen is within its budget', async () => {
    const tui = await start({ cols: 200, rows: 50 });
    await drawn(tui);
    const idle = tui.mark();
    // The machine's clock goes on, but nothing on the screen changes by it: a redraw proves that time has passed.
    const whole = tui.mark();
    tui.press(KEYS.ctrlL);
    await tui.waitFor(() => tui.raw(whole).includes('\x1b[?2026l'));
    const redraw = tui.raw(whole);
    expect(tui.raw(idle)).toBe(redraw);
    expect(Buffer.byteLength(redraw)).toBeLessThan(25_000);

    const row = tui.mark();
    order(tui, 'tick');
    await tui.waitFor('14:22:08 UTC');
    // The clock is one row; ages that pass a step may be others.
    expect(Buffer.byteLength(tui.raw(row))).toBeLessThan(1000);
  });

  test('each update is synchronised, and nothing is erased that stays', async () => {
    const tui = await start();
    await drawn(tui);
    const from = tui.mark();
    tui.press('j');
    await tui.waitFor(() => tui.screen().includes('▸ P2') && tui.raw(from).endsWith('\x1b[?2026l'));
    const update = tui.raw(from);
    expect(update.startsWith('\x1b[?2026h')).toBe(true);
    expect(update.endsWith('\x1b[?2026l')).toBe(true);
    expect(update).not.toContain('\x1b[2J');
  });
});

describe('keys', () => {
  test('an arrow split on a slow link is an arrow', async () => {
    const tui = await start({ env: { SSH_CONNECTION: '203.0.113.5 50022 203.0.113.9 22' } });
    tui.press('\x1b');
    tui.press('[');
    tui.press('B');
    await tui.waitFor(/▸ P2/);
  });

  test('jjj is three moves', async () => {
    const tui = await start();
    tui.press('jjj');
    await tui.waitFor(/▸ P4/);
  });

  test('pasted text is no command; replies of the terminal and the mouse are no keys', async () => {
    const tui = await start();
    tui.paste('nLqx\r');
    await tui.waitFor('pasted text is not used here');
    tui.press('\x1b]52;c;bkxxeA==\x07\x1b[<0;4;4M\x1b[I\x1b[?62;22c');
    await drawn(tui);
    tui.press('q');
    expect((await ending(tui)).asked).toEqual([]);
  });

  test('work at the smallest size', async () => {
    const tui = openTui(process.execPath, [bundle.file], { cols: 20, rows: 5 });
    open.push(tui);
    await tui.waitFor(/▸Phases/);
    expect(tui.screen()).toContain('DEMO');
    tui.press('?');
    await tui.waitFor(/more rows|Closing/);
    expect(tui.screen()).toContain('DEMO');
    tui.press(KEYS.escape);
    await tui.waitFor(/▸Phases/);
    tui.press(KEYS.tab);
    await tui.waitFor(/▸Why/);
    tui.press('q');
    expect((await ending(tui)).end).toBe('detached');
  });
});

describe('the mouse', () => {
  test('is asked for only while it is wanted, and the terminal gets it back', async () => {
    const tui = await start();
    expect(tui.term.modes.mouseTrackingMode).toBe('none');
    tui.press(':mouse on\r');
    await tui.waitFor('the mouse is used here');
    expect(tui.term.modes.mouseTrackingMode).toBe('vt200');
    const column = tui.screen().split('\n')[0].indexOf('3Job') + 1;
    tui.press(`\x1b[<0;${column};1M\x1b[<0;${column};1m`);
    await tui.waitFor('[3Job]');
    tui.press(':mouse off\r');
    await tui.waitFor('the mouse is the terminal');
    expect(tui.term.modes.mouseTrackingMode).toBe('none');
    tui.press(':mouse\r');
    await tui.waitFor('the mouse is used here');
    tui.press('q');
    await ending(tui);
    expect(tui.term.modes.mouseTrackingMode).toBe('none');
  });
});

test('figures of a job are drawn, and M draws the next', async () => {
  const tui = await start(
    { env: { FIXTURE_SCREEN: 'jobs', FIXTURE_FOCUS: 'jobs' } },
    undefined,
    'equity · US_CORE_LONG_EQ_H5',
  );
  await tui.waitFor(/[\u2801-\u28ff]{8}/);
  tui.press('M');
  await tui.waitFor(/drawdown · US_CORE_LONG_EQ_H5[\s\S]*lowest -\d/);
  expect(tui.screen()).toMatch(/▸ drawdown/);
});

describe('dialogs', () => {
  test('Enter on a fresh one changes nothing; moving to Launch and Enter launches the exact command', async () => {
    const tui = await start();
    tui.press('n');
    await tui.waitFor('Launch P1');
    expect(tui.screen()).toContain('▸[ Cancel ]');
    expect(tui.screen()).toContain('prometheus backtest campaign --market-id US_EQ');
    tui.press(KEYS.enter);
    await tui.waitFor((screen) => !screen.includes('[ Cancel ]'));
    tui.press('n');
    await tui.waitFor('▸[ Cancel ]');
    tui.press(KEYS.right);
    await tui.waitFor('▸[ Launch ]');
    tui.press(KEYS.enter);
    await tui.waitFor('launched 0008-backtest-campaign');
    expect(tui.screen()).toContain('Job 0008-backtest-campaign');
    tui.press('q');
    const { asked } = await ending(tui);
    expect(asked).toEqual(['launch backtest campaign key-2']);
    expect(tui.raw()).toContain('0008-backtest-campaign, 0007-backtest-campaign keep running');
  });

  test('x asks before it stops', async () => {
    const tui = await start();
    tui.press('x');
    await tui.waitFor('Stop 0007-backtest-campaign');
    tui.press(KEYS.tab);
    await tui.waitFor('▸[ Stop it ]');
    tui.press(KEYS.enter);
    await tui.waitFor('TERM sent to 0007-backtest-campaign');
    await tui.waitFor('■ STOP');
    tui.press('q');
    expect((await ending(tui)).asked).toEqual(['stop 0007-backtest-campaign']);
  });
});

describe('sizes', () => {
  /** Without header and footer, which tell how long there was no news. */
  const body = (screen: string) => screen.split('\n').slice(1, -2).join('\n');

  test('a walk ends in the screen that a fresh start draws', async () => {
    const walked = await start({ cols: 200, rows: 50 });
    const random = new Random(1);
    for (let i = 0; i < 200; i++)
      walked.resize(20 + Math.floor(random.uniform() * 281), 5 + Math.floor(random.uniform() * 96));
    walked.resize(120, 35);
    const fresh = await start({ cols: 120, rows: 35 });
    await fresh.settled();
    await walked.waitFor((screen) => body(screen) === body(fresh.screen()));
  });

  test('a window that is made small and at once as it was is drawn whole again', async () => {
    const tui = await start();
    await drawn(tui);
    const before = body(tui.screen());
    for (let i = 0; i < 10; i++) {
      tui.resize(40, 10);
      tui.resize(120, 35);
      expect(body(tui.screen())).not.toBe(before);
      await tui.waitFor((screen) => body(screen) === before);
    }
  });

  test.each([
    [80, 24],
    [30, 8],
  ])('every screen and pane can be reached by keys at %i×%i', async (cols, rows) => {
    const tui = await start({ cols, rows });
    for (const { id, key } of SCREENS) {
      tui.press(key);
      await tui.waitFor((screen) => screen.split('\n')[0].includes(`[${key}`) || rows < 10);
      for (let i = 0; i < panesOf(id).length; i++) {
        tui.press(KEYS.tab);
        await drawn(tui);
        const screen = tui.screen().split('\n');
        expect(screen).toHaveLength(rows);
        expect(screen[0]).toContain('DEMO');
      }
    }
    tui.press('q');
    expect((await ending(tui)).end).toBe('detached');
  });

  test('no row is ever cut without a mark or drawn over the edge', async () => {
    for (const [cols, rows] of [
      [80, 24],
      [119, 60],
      [200, 50],
    ]) {
      const tui = await start({ cols, rows });
      await tui.settled();
      const lines = tui.screen().split('\n');
      expect(lines).toHaveLength(rows);
      expect(lines[0]).toContain('DEMO');
      expect(lines.at(-1)).toContain('? help');
      expect(lines.at(-1)).toContain('q detach');
    }
  });
});

describe('the terminal is given back', () => {
  /** Runs the console from a shell that prints the terminal's modes before and after. */
  const inShell = (options: TuiOptions = {}) =>
    start(options, [
      '/bin/sh',
      '-c',
      'echo "modes $(stty -g)"; "$0" "$1"; echo "code $?"; echo "modes $(stty -g)"',
      process.execPath,
      bundle.file,
    ]);

  const child = async (tui: Tui): Promise<number> => {
    const { readFileSync } = await import('node:fs');
    return Number(readFileSync(`/proc/${tui.pid}/task/${tui.pid}/children`, 'utf8').trim().split(' ')[0]);
  };

  async function expectRestored(tui: Tui): Promise<void> {
    await tui.exited;
    await tui.settled();
    expect(tui.alternate()).toBe(false);
    expect(tui.term.modes.bracketedPasteMode).toBe(false);
    expect(tui.term.modes.wraparoundMode).toBe(true);
    expect(tui.term.modes.mouseTrackingMode).toBe('none');
    expect(tui.raw().lastIndexOf('\x1b[?25h')).toBeGreaterThan(tui.raw().lastIndexOf('\x1b[?25l'));
    const modes = [...tui.raw().matchAll(/modes (\S+)/g)].map((match) => match[1]);
    expect(modes).toHaveLength(2);
    expect(modes[1]).toBe(modes[0]);
  }

  test('after q, with what was said meanwhile', async () => {
    const tui = await inShell();
    expect(tui.alternate()).toBe(true);
    order(tui, 'print');
    await drawn(tui);
    expect(tui.screen()).not.toContain('a word for stderr');
    tui.press('q');
    await expectRestored(tui);
    expect(tui.screen()).toContain('a word for stderr');
    expect(tui.screen()).toContain('Detached: 0007-backtest-campaign keeps running. Come back with: prometheus');
    expect(tui.screen()).toContain('code 0');
  });

  test('after ^c^c', async () => {
    const tui = await inShell();
    tui.press(KEYS.ctrlC);
    await tui.waitFor('^c again detaches');
    tui.press(KEYS.ctrlC);
    await expectRestored(tui);
    expect((await ending(tui)).end).toBe('detached');
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('after %s', async (signal) => {
    const tui = await inShell();
    process.kill(await child(tui), signal);
    await expectRestored(tui);
    expect((await ending(tui)).end).toBe('signal');
  });

  test.each([
    ['an exception that nobody caught', 'throw'],
    ['a screen that throws', 'break'],
  ] as const)('after %s', async (_, what) => {
    const tui = await inShell();
    order(tui, what);
    await expectRestored(tui);
    expect((await ending(tui)).end).toBe('error');
    expect(tui.screen()).toContain('code 1');
  });

  test('while it is stopped by ^z, and taken again by fg', async () => {
    const tui = openTui('/bin/bash', ['--norc', '--noprofile', '-i'], { cols: 120, rows: 35, env: { PS1: 'shell> ' } });
    open.push(tui);
    await tui.waitFor('shell>');
    tui.press(`${process.execPath} ${bundle.file}\r`);
    await tui.waitFor(/P1 ?.*FAIL/);
    tui.press(KEYS.ctrlZ);
    await tui.waitFor('Stopped');
    expect(tui.alternate()).toBe(false);
    tui.press('fg\r');
    await tui.waitFor((screen) => tui.alternate() && /P1 ?.*FAIL/.test(screen));
    tui.press('q');
    await tui.waitFor('Come back with: prometheus');
    expect(tui.alternate()).toBe(false);
  });

  test('when the link is cut the viewer ends by itself', async () => {
    const tui = await start();
    tui.hangUp();
    await vi.waitFor(() => expect(() => process.kill(tui.pid, 0)).toThrow(), { timeout: 60_000 });
  });
});

describe('the end of a job', () => {
  test.each([
    ['a terminal', {}, /\x1b\]9;Prometheus: (\d{4}-[\w-]+ FAIL \(exit code 1\)(?:, | and \d+ more)?)+\x07\x07/],
    ['tmux', { TMUX: '/tmp/tmux' }, /\x1bPtmux;\x1b\x1b\]9;Prometheus: \d{4}-[^\x1b]+\x07\x1b\\\x07/],
  ])('is told to %s once, with a bell', async (_, env, told) => {
    const tui = await start({ env: { TMUX: undefined, STY: undefined, ...env } });
    await drawn(tui);
    expect(tui.raw()).not.toContain(']9;');
    order(tui, 'fail');
    await tui.waitFor(() => told.test(tui.raw()));
    await drawn(tui);
    expect(tui.raw().split(']9;')).toHaveLength(2);
  });
});

describe('less able terminals', () => {
  test('NO_COLOR: no colour is sent, states stay readable', async () => {
    const tui = await start({ env: { NO_COLOR: '1' } });
    await drawn(tui);
    expect(tui.raw()).not.toMatch(/\x1b\[(?:3|4|9|10)\d(?:;\d+)*m/);
    expect(tui.screen()).toContain('✗ FAIL');
  });

  test.each([
    ['a locale without UTF-8', { LANG: 'C' }],
    ['ISO 8859-1', { LANG: 'de_DE.ISO-8859-1' }],
    ['the Linux console', { TERM: 'linux' }],
  ])('%s: ASCII only', async (_, env) => {
    const tui = await start({ env });
    tui.press('n');
    await tui.waitFor('>[ Cancel ]');
    tui.press(KEYS.escape);
    await tui.waitFor((screen) => !screen.includes('[ Cancel ]'));
    await drawn(tui);
    expect(tui.raw()).toMatch(/^[\x00-\x7f]*$/);
    expect(tui.screen()).toContain('x FAIL');
  });

  test('colours carry meaning: what failed is red, what is well is green', async () => {
    const tui = await start();
    await tui.settled();
    const find = (text: string) => {
      const rows = tui.screen().split('\n');
      const row = rows.findIndex((line) => line.includes(text));
      return tui.cell(rows[row].indexOf(text), row);
    };
    expect(find('✗ FAIL')).toMatchObject({ foreground: 9, bold: true });
    expect(find('✓ up').foreground).toBe(2);
    expect(find('DEMO').background).toBe(5);
  });
});

test('before the supervisor is there the screen says so and claims nothing', async () => {
  const tui = await start({ env: { FIXTURE_SCENE: 'boot' } });
  expect(tui.screen()).toContain('? unknown');
  expect(tui.screen()).not.toMatch(/\d %/);
  tui.press('n');
  await tui.waitFor('n: not yet: starting PostgreSQL');
  tui.press('q');
  expect((await ending(tui)).end).toBe('detached');
});
