/**
 * The terminal goes away while jobs run: console, shell and supervisor started from it may die, the jobs do not, and a new
 * console has all of it (console.md §5 proofs 1, 4 and 8).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { embeddedServer, embeddedTargets } from '../../src/platform/db/embedded.ts';
import { lockHolder, processStartTime } from '../../src/platform/locks.ts';
import { supervisorLock } from '../../src/supervisor/daemon.ts';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import { readAudit } from '../../src/supervisor/journal.ts';
import { childrenOf } from '../chaos/blows.ts';
import { viewOf } from '../chaos/lanes.ts';
import { createWorld, PROMETHEUS, type World } from '../chaos/world.ts';
import { KEYS, openTui, type Tui } from '../helpers/tui.ts';
import { until } from '../helpers/until.ts';

const LINES = 400;

let world: World | null = null;
let holder: pg.Client | null = null;
const open: Tui[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((tui) => tui.close()));
  await holder?.end();
  await world?.end();
  world?.remove();
  [world, holder] = [null, null];
});

/** Quotes are not needed: no word of the commands has a space. */
const typed = (...words: readonly string[]) => `${[PROMETHEUS, ...words].join(' ')}\r`;

test('the terminal is closed while a campaign and a script run: both finish, and a new console has all of it', async () => {
  world = await createWorld();
  // A campaign that waits with its rows runs for as long as the test wants.
  holder = new pg.Client(embeddedTargets(embeddedServer(world.home)).runtime.config);
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query('LOCK TABLE backtest_runs IN SHARE MODE');

  // A shell of the operator's, and everything started from it: jobs, supervisor, console.
  const env = { ...world.env, PS1: 'shell> ' };
  const shell = openTui('/bin/bash', ['--norc', '--noprofile', '-i'], { cols: 150, rows: 45, env });
  open.push(shell);
  await shell.waitFor('shell>');
  const [family, name, ...flags] = world.campaign;
  shell.press(typed('job', 'start', family, name, '--', ...flags));
  await shell.waitFor('0001-backtest-campaign');
  const [ledger, go] = [world.at('ledger'), world.at('go')];
  const script = ['--ledger', ledger, '--lines', String(LINES), '--exit', '0', '--until', go];
  shell.press(typed('job', 'start', 'chaos', 'script', '--', ...script));
  await shell.waitFor('0002-chaos-script');
  shell.press(typed());
  await shell.waitFor(/▶ RUN +0001-backtest-campaign/, 120_000);
  await shell.waitFor(/▶ RUN +0002-chaos-script/);
  const { home } = world;
  const [consolePid] = childrenOf(shell.pid);

  shell.hangUp();
  await until(() => processStartTime(consolePid) === null, 'the end of the console', 60_000);
  await until(() => processStartTime(shell.pid) === null, 'the end of the shell', 60_000);
  await until(() => readAudit(home).some(({ what }) => what === 'detach'), 'the leave on record');
  process.kill(lockHolder(supervisorLock(home))!, 'SIGKILL');
  for (const id of listJobIds(home)) expect(viewOf(world, id).state).toBe('RUN');

  // With nobody there they come to their end.
  writeFileSync(go, '');
  await holder.query('ROLLBACK');
  for (const id of listJobIds(home)) {
    await until(() => readJob(home, id).exit, `the exit record of ${id}`, 120_000);
    expect(viewOf(world, id)).toMatchObject({ state: 'DONE', exitCode: 0 });
  }
  const log = readFileSync(path.join(home.jobs, '0002-chaos-script', JobFile.stdout), 'utf8')
    .split('\n')
    .slice(0, -1);
  expect(log).toEqual(Array.from({ length: LINES }, (_, i) => `line ${i + 1} ${'·'.repeat((i + 1) % 80)}`));
  expect(readFileSync(ledger, 'utf8').trimEnd().split('\n').at(-1)).toBe('exit 0');

  const again = openTui(PROMETHEUS, [], { cols: 150, rows: 45, env: world.env });
  open.push(again);
  await again.waitFor(/✓ DONE +0001-backtest-campaign/, 120_000);
  await again.waitFor(/✓ DONE +0002-chaos-script/);
  const told = await again.waitFor(/since you left .*: .*0002-chaos-script ✓ DONE/);
  expect(told).toMatch(/since you left .*0001-backtest-campaign ✓ DONE/);
  // The log of each from its first line.
  again.press(KEYS.tab.repeat(4));
  for (const [row, id, first, last] of [
    ['g', '0002-chaos-script', 'line 1 ·', `line ${LINES}`],
    ['j', '0001-backtest-campaign', 'out run_id,sleeve_id,strategy_id', 'err 3 runs recorded'],
  ] as const) {
    again.press(row);
    await again.waitFor(`Log of ${id}`);
    await again.waitFor(last);
    again.press(`${KEYS.tab.repeat(2)}g`);
    await again.waitFor(first);
    again.press(KEYS.shiftTab.repeat(2));
  }
  again.press('q');
  expect(await again.exited).toMatchObject({ exitCode: 0 });
}, 300_000);
