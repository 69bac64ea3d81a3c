/** The launch form as an operator meets it: a campaign launched from it, then edited and run again, in a real terminal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';
import { KEYS, openTui } from '../helpers/tui.ts';

const PROMETHEUS = path.resolve(import.meta.dirname, '../../bin/prometheus');
const MARKET = ['--instruments', '12', '--start', '2013-01-02', '--end', '2014-12-31', '--news-start', '2014-12-01'];

const parent = mkdtempSync(path.join(tmpdir(), 'prometheus-form-'));
const env = { PROMETHEUS_HOME: path.join(parent, 'home'), HISTORICAL_DB_URL: undefined, RUNTIME_DB_URL: undefined };
const prometheus = (...args: string[]) =>
  execa(PROMETHEUS, args, { env: { PROMETHEUS_HOME: env.PROMETHEUS_HOME }, reject: false });
const tui = openTui(PROMETHEUS, ['demo', ...MARKET], { cols: 160, rows: 50, env });

afterAll(async () => {
  await tui.close();
  await prometheus('supervisor', 'stop');
  await prometheus('db', 'drop', '--yes');
  rmSync(parent, { recursive: true, force: true });
});

test('a campaign is launched from the form, then again with another end', async () => {
  await tui.waitFor('✓ live', 300_000);

  // The phase's command in the form: nothing starts by Enter on a fresh row of buttons.
  tui.press('F');
  await tui.waitFor('New job · backtest campaign');
  await tui.waitFor('✓ overlap');
  expect(tui.screen()).toContain('prometheus backtest campaign --market-id US_EQ --start 2014-01-02 --end 2014-03-31');
  expect(tui.screen()).toMatch(/time +\? UNKN/);
  expect(tui.screen()).toContain('none pending');

  // A wrong day is named as it is typed, and nothing can be launched with it.
  tui.press(`${KEYS.tab}\x7f\x7f99`);
  await tui.waitFor("✗ --start '2014-01-99': is not a date");
  tui.press('\x07L');
  await tui.waitFor("off: --start '2014-01-99'");
  tui.press('\x07\x07');
  await tui.waitFor('▸[ Cancel ]');
  tui.press(KEYS.escape);
  await tui.waitFor((screen) => !screen.includes('[ Cancel ]'));

  tui.press('F');
  await tui.waitFor('✓ overlap');
  tui.press('\x07');
  await tui.waitFor('▸[ Cancel ]');
  tui.press('L');
  await tui.waitFor(/✓ DONE +0001-backtest-campaign/);

  // Edited: another end and a nice value. The estimate is measured now.
  tui.press('R');
  await tui.waitFor('Edit and run again 0001-backtest-campaign');
  await tui.waitFor(/time +≈ .* s/);
  tui.press(`${KEYS.tab}${KEYS.tab}\x7f\x7f28`);
  await tui.waitFor('--end 2014-03-28');
  await tui.waitFor('by the days of their range');
  tui.press('\x07');
  await tui.waitFor('▸[ Cancel ]');
  tui.press('L');
  await tui.waitFor(/✓ DONE +0002-backtest-campaign/);
  const { stdout } = await prometheus('job', 'show', '0002', '--json');
  const job = JSON.parse(stdout);
  expect(job.args ?? job.job.args).toContain('2014-03-28');
  expect(JSON.stringify(job)).toContain('0001-backtest-campaign');
}, 600_000);

test('the colours go by the background that the terminal tells, and by hand', async () => {
  expect(tui.raw()).toContain('\x1b]11;?');
  const before = tui.mark();
  tui.press('\x1b]11;rgb:ffff/ffff/ffff\x1b\\');
  // The light theme's colours for what is well and for what is wrong; nothing of the answer was a key.
  await tui.waitFor(() => tui.raw(before).includes('\x1b[38;5;22m'));
  expect(tui.screen()).not.toContain('rgb:');
  tui.press(':theme high-contrast\r');
  await tui.waitFor(() => tui.raw(before).includes('\x1b[38;5;120m'));
  tui.press(':theme mono\r');
  await tui.waitFor('colours: mono');
  const drawn = tui.mark();
  tui.press(KEYS.ctrlL);
  await tui.waitFor(() => /\x1b\[2J.*Overview.*\x1b\[\?2026l/s.test(tui.raw(drawn)));
  expect(tui.raw(drawn)).not.toMatch(/\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;\d+)*m/);
  tui.press('q');
  expect(await tui.exited).toMatchObject({ exitCode: 0 });
  await tui.settled();
  expect(tui.alternate()).toBe(false);
}, 120_000);
