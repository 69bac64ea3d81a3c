/** The product as its user meets it: from an empty home to a finished Phase 1, by keys alone, in a real terminal. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';
import { KEYS, openTui, type Tui } from '../helpers/tui.ts';

const PROMETHEUS = path.resolve(import.meta.dirname, '../../bin/prometheus');
/** A market that is ready soon; its span covers the plan's quarter and the windows before it. */
const MARKET = ['--instruments', '24', '--start', '2013-01-02', '--end', '2014-12-31', '--news-start', '2013-01-02'];

const parent = mkdtempSync(path.join(tmpdir(), 'prometheus-console-'));
const home = path.join(parent, 'home');
/** What the pager was given. */
const paged = path.join(parent, 'paged.txt');
const env = {
  PAGER: `cat > '${paged}'`,
  PROMETHEUS_HOME: home,
  HISTORICAL_DB_URL: undefined,
  RUNTIME_DB_URL: undefined,
};
const open: Tui[] = [];

/** The command line beside the console, as another shell would use it. */
const prometheus = (...args: string[]) => execa(PROMETHEUS, args, { env: { PROMETHEUS_HOME: home }, reject: false });

afterAll(async () => {
  await Promise.all(open.map((tui) => tui.close()));
  await prometheus('supervisor', 'stop');
  await prometheus('db', 'drop', '--yes');
  rmSync(parent, { recursive: true, force: true });
});

/** Opens the demo's console; resolves when its evidence has been read. */
async function openConsole(args: readonly string[] = ['demo', ...MARKET]): Promise<Tui> {
  const tui = openTui(PROMETHEUS, args, { cols: 160, rows: 48, env });
  open.push(tui);
  // The first frame stands before there is anything to show, and says so. (The launcher may have to build first.)
  const first = await tui.waitFor('◆ prometheus', 300_000);
  expect(first).toContain('DEMO');
  expect(first).toContain('? unknown');
  await tui.waitFor('✓ live', 120_000);
  expect(tui.screen()).toContain('DEMO');
  return tui;
}

/** Answers the dialog that is open by moving to its second button and pressing that. */
async function agree(tui: Tui, button: string): Promise<void> {
  await tui.waitFor('▸[ Cancel ]');
  tui.press(KEYS.tab);
  await tui.waitFor(`▸[ ${button} ]`);
  tui.press(KEYS.enter);
  await tui.waitFor((screen) => !screen.includes('[ Cancel ]'));
}

/** Longer than a row of a small terminal, so that it has to be broken. */
const NOTE =
  'At 5 bp a side H5 is under water: see its break-even before anyone trades it, and ask the risk desk about the Utilities cluster.';
/** A screen as running text: rows joined, frames and runs of blanks gone. */
const running = (screen: string): string => screen.replace(/[│║\s]+/g, ' ');

const rowOf = (screen: string, text: string): string => screen.split('\n').find((row) => row.includes(text)) ?? '';

test('from an empty home to a green Phase 1, by keys', async () => {
  const tui = await openConsole();
  expect(rowOf(tui.screen(), 'Baseline backtest')).toContain('· WAIT');
  expect(tui.screen()).toContain('No job has run in this home yet');

  // A fresh dialog answered by Enter changes nothing.
  tui.press('n');
  await tui.waitFor('Launch P1: campaign 2014-01-02 → 2014-03-31');
  expect(tui.screen()).toContain('prometheus backtest campaign --market-id US_EQ --start 2014-01-02 --end 2014-03-31');
  tui.press(KEYS.enter);
  await tui.waitFor((screen) => !screen.includes('[ Cancel ]'));
  expect(readdirSync(path.join(home, 'jobs')).filter((name) => /^\d{4}-/.test(name))).toEqual([]);

  // The campaign, by key: its metrics, its log and its runs come to the screen.
  tui.press('n');
  await agree(tui, 'Launch');
  await tui.waitFor(/✓ DONE +0001-backtest-campaign/);
  await tui.waitFor(/US_CORE_LONG_EQ_H21 +[\d,]+ USD/);
  await tui.waitFor('same-close, no costs: not tradable');
  const runs = await tui.waitFor(/US_CORE_LONG_EQ_H63 +[\da-f]{8} .*[+-]\d+\.\d\d %/);
  expect(rowOf(runs, 'US_CORE_LONG_EQ_H63')).toBeTruthy();
  await tui.waitFor(/P1 +◐ PART/);

  // Again by key: a job of its own, with the same arguments.
  tui.press('r');
  await tui.waitFor('Run 0001-backtest-campaign again');
  await agree(tui, 'Run again');
  await tui.waitFor(/✓ DONE +0002-backtest-campaign/);
  const [first, second] = await Promise.all(['0001', '0002'].map((id) => prometheus('job', 'show', id, '--json')));
  expect(JSON.parse(second.stdout).args).toEqual(JSON.parse(first.stdout).args);

  // A note by key stands in the phase's history, whole.
  tui.press('i');
  await tui.waitFor(/note.*P1/i);
  tui.press(NOTE);
  await tui.waitFor('Utilities cluster.');
  tui.press(KEYS.enter);
  await tui.waitFor('noted on P1');
  tui.press(`2${KEYS.tab.repeat(4)}z`);
  await tui.waitFor((screen) => running(screen).includes(`note · ${NOTE}`));
  tui.press('z1');

  // What Phase 1 still lacks is the next thing that n launches. Detaching while it runs does not stop it.
  await tui.waitFor(/Why P1 .*4 of 5/);
  tui.press('n');
  await tui.waitFor('prometheus verify point-in-time');
  await agree(tui, 'Launch');
  await tui.waitFor(/▶ RUN +0003-verify-point-in-time/);
  tui.press('q');
  expect(await tui.exited).toMatchObject({ exitCode: 0 });
  await tui.settled();
  expect(tui.alternate()).toBe(false);
  expect(tui.raw().replaceAll(/\r?\n/g, '')).toContain(
    'Detached: 0003-verify-point-in-time keeps running. Come back with: prometheus demo',
  );
  const waited = await prometheus('job', 'wait', '0003');
  expect(waited.exitCode, waited.stderr).toBe(0);

  // Coming back: what happened meanwhile is there, log and metrics of ended jobs included.
  const recording = path.join(parent, 'console.ndjson');
  const again = await openConsole(['--record', recording, '--mouse']);
  expect(again.term.modes.mouseTrackingMode).toBe('vt200');
  await again.waitFor(/P1 +✓ OK +5\/5/);
  await again.waitFor(/✓ DONE +0003-verify-point-in-time/);
  again.press('j');
  await again.waitFor('P1 is green');
  // The note is there after a restart too, and broken, not cut, in a small terminal.
  again.press(`2${KEYS.tab.repeat(4)}`);
  again.resize(80, 24);
  await again.waitFor((screen) => running(screen).includes(`note · ${NOTE}`));
  again.resize(160, 48);
  again.press('1');
  await again.waitFor('P1 is green');
  again.press(`${KEYS.tab.repeat(4)}jj`);
  await again.waitFor(/Job 0001-backtest-campaign/);
  await again.waitFor(/US_CORE_LONG_EQ_H21 +[\d,]+ USD/);

  // The series of a job that ended before this console was opened, one of them drawn.
  again.press('3');
  for (const name of ['equity', 'drawdown', 'positions', 'speed']) {
    await again.waitFor(new RegExp(`[▸ ] ${name} +…H\\d+ .*[▁-█]`));
  }
  await again.waitFor(/equity · US_CORE_LONG_EQ_H\d+[\s\S]*[\u2801-\u28ff]{4}/);
  again.press('M');
  await again.waitFor(/▸ drawdown[\s\S]*drawdown · US_CORE_LONG_EQ_H\d+/);
  const told = JSON.parse((await prometheus('job', 'metrics', '1', '--json')).stdout);
  const of = (name: string) => told.series.filter((one: { name: string }) => one.name === name);
  for (const name of ['equity', 'drawdown', 'positions', 'speed']) expect(of(name)).toHaveLength(3);

  // Two runs of the same sleeve: nothing differs but names, and the trades are the same.
  again.press('4');
  await again.waitFor(/▸ +[\da-f]{8}/);
  again.press('/H21\r');
  await again.waitFor((screen) => !/[\da-f]{8}.* US_CORE_LONG_EQ_H5 /.test(screen));
  again.press(' jd');
  await again.waitFor('A and B made the same trades.');
  expect(again.screen()).toMatch(/WHAT DIFFERS[\s\S]*campaign_id/);
  again.press('=');
  await again.waitFor('equity, first common day = 100');
  again.press('z');

  // A command without a screen is run as in the shell, on the same home, and read in the pager.
  again.press(':job show 1 --json\r');
  await again.waitFor(() => existsSync(paged) && readFileSync(paged, 'utf8').endsWith('}\n'));
  await again.waitFor('equity, first common day = 100');
  const [line, , ...shown] = readFileSync(paged, 'utf8').split('\n');
  expect(line).toBe('$ prometheus job show 1 --json');
  expect(JSON.parse(shown.join('\n'))).toEqual(JSON.parse((await prometheus('job', 'show', '1', '--json')).stdout));

  again.press('5');
  const last = await again.waitFor(/prices_daily · 2\d{3} ─.* expected/);
  again.press('q');
  expect(await again.exited).toMatchObject({ exitCode: 0 });
  await again.settled();
  expect(again.raw()).toContain('Detached: no job is running. Come back with: prometheus');

  // The recording shows the same frame again, and holds nothing of the environment.
  const replayed = await prometheus('replay', recording, '--frame');
  expect(replayed.exitCode, replayed.stderr).toBe(0);
  const body = (frame: string) => frame.trimEnd().split('\n').slice(1, -2);
  expect(body(replayed.stdout)).toEqual(body(last));
  expect(readFileSync(recording, 'utf8')).not.toContain('"environment"');
}, 600_000);

test('without a terminal the status is printed instead, and said so', async () => {
  const { stdout, stderr } = await prometheus();
  expect(stderr).toContain('not a terminal');
  expect(stdout).toContain('P1');
  expect(stdout).toContain('DEMO');
  expect(stdout).not.toContain('\x1b');
});

test('commands too keep to ASCII on a terminal that shows no more; a pipe gets the very characters', async () => {
  for (const argv of [['data', 'import', '--help'], ['job', 'ls'], ['phases'], ['nonsense']]) {
    const tui = openTui(PROMETHEUS, argv, { env: { ...env, LANG: 'C' } });
    open.push(tui);
    await tui.exited;
    await tui.settled();
    expect(tui.raw()).toMatch(/^[\x00-\x7f]+$/);
  }
  expect((await prometheus('data', 'import', '--help')).stdout).toMatch(/[^\x00-\x7f]/);
}, 180_000);

test('a terminal that cannot show a screen is refused, with what to use instead', async () => {
  const tui = openTui(PROMETHEUS, [], { env: { ...env, TERM: 'dumb' } });
  open.push(tui);
  expect((await tui.exited).exitCode).not.toBe(0);
  await tui.settled();
  expect(tui.screen().replaceAll(/\s+/g, ' ')).toContain('prometheus phases');
  expect(tui.raw()).not.toContain('\x1b[?1049h');
});
