/** What must be true when everything has been killed often enough: each proof names what it looked at and what is wrong. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import type { JobState } from '../../src/supervisor/protocol.ts';
import type { Kill } from './kills.ts';
import { type Asked, keyOf, viewOf } from './lanes.ts';
import type { Content, World } from './world.ts';

export interface Proof {
  readonly name: string;
  readonly looked: string;
  readonly wrong: readonly string[];
}

/** Jobs by their end, of each lane. */
export function endings(world: World): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of listJobIds(world.home)) {
    const { program, state } = viewOf(world, id);
    counts.set(`${program} ${state}`, (counts.get(`${program} ${state}`) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}

/** Every job that was asked for is there once, has ended, and nothing else is there. */
export function noJobLost(world: World, asked: readonly Asked[]): Proof {
  const wrong: string[] = [];
  const ids = listJobIds(world.home);
  const byKey = Map.groupBy(ids, (id) => keyOf(world, id));
  for (const { key } of asked) {
    const found = byKey.get(key) ?? [];
    if (found.length !== 1) wrong.push(`${key}: ${found.length} jobs`);
  }
  const keys = new Set(asked.map(({ key }) => key));
  for (const id of ids) {
    if (!keys.has(keyOf(world, id) ?? '')) wrong.push(`${id}: nobody asked for it`);
    const { state } = viewOf(world, id);
    if (!hasEnded(state)) wrong.push(`${id}: ${state}`);
  }
  return { name: 'no job lost', looked: `${asked.length} jobs asked for, ${ids.length} folders`, wrong };
}

/** The script's log holds exactly the lines that it has written, as it noted itself. */
export function noLogByteLost(world: World, asked: readonly Asked[]): Proof {
  const wrong: string[] = [];
  let lines = 0;
  for (const [id, ledger] of scripts(world, asked)) {
    const log = readFileSync(path.join(world.home.jobs, id, JobFile.stdout), 'utf8');
    const written = log.split('\n').slice(0, -1);
    const noted = ledger.filter((line) => !line.startsWith('exit')).length;
    lines += written.length;
    const expected = written.map((_, i) => `line ${i + 1} ${'·'.repeat((i + 1) % 80)}`);
    if (log && !log.endsWith('\n')) wrong.push(`${id}: its log ends in the middle of a line`);
    if (expected.some((line, i) => line !== written[i])) wrong.push(`${id}: its log differs`);
    // It may die between the line and its note.
    if (written.length < noted || written.length > noted + 1)
      wrong.push(`${id}: ${noted} lines noted, ${written.length} in the log`);
  }
  return { name: 'no log byte lost', looked: `${lines} lines of scripts`, wrong };
}

/** A code is one that the program gave, a signal one that we sent, and LOST what nobody can know. */
export function noExitCodeInvented(world: World, asked: readonly Asked[], kills: readonly Kill[]): Proof {
  const wrong: string[] = [];
  const ledgers = new Map(scripts(world, asked));
  const killed = (victim: Kill['victim'], id: string) => kills.some((one) => one.victim === victim && one.job === id);
  const ids = listJobIds(world.home);
  for (const id of ids) {
    const { state, exitCode, reason } = viewOf(world, id);
    const { exit } = readJob(world.home, id);
    if (state === 'LOST') {
      if (exit || exitCode !== null) wrong.push(`${id}: LOST, with an exit record`);
      if (!killed('shim', id)) wrong.push(`${id}: LOST, though its shim was not killed`);
      continue;
    }
    if (!exit) wrong.push(`${id}: ${state} without an exit record`);
    else if (exit.signal !== null && !killed('job', id)) wrong.push(`${id}: ${exit.signal}, which nobody sent`);
    else if (exit.error !== null && exit.code === null && exit.signal === null) wrong.push(`${id}: ${reason}`);
    const said = ledgers.get(id)?.at(-1);
    if (said !== undefined && exit?.code != null && said !== `exit ${exit.code}`)
      wrong.push(`${id}: exit code ${exit.code}, but it said '${said}'`);
    const good: readonly JobState[] = ['DONE', 'PART'];
    if (good.includes(state) && exit?.code !== 0 && exit?.code !== 3) wrong.push(`${id}: ${state} with ${exit?.code}`);
    const log = path.join(world.home.jobs, id, JobFile.stderr);
    if (existsSync(log) && /^ {4}at /m.test(readFileSync(log, 'utf8'))) wrong.push(`${id}: a stack trace in its log`);
  }
  return { name: 'no exit code invented', looked: `${ids.length} outcomes`, wrong };
}

/** Tables hold what an undisturbed run leaves, and each recorded run is whole and once. */
export async function rowsAreWhole(world: World, expected: Content): Promise<Proof> {
  const wrong: string[] = [];
  const { vectors, runs } = await world.content();
  if (vectors !== expected.vectors) wrong.push(`vectors: ${vectors}, expected ${expected.vectors}`);
  for (const [sleeve, contents] of runs) {
    const [one] = expected.runs.get(sleeve) ?? [];
    if (contents.size !== 1 || !contents.has(one))
      wrong.push(`${sleeve}: ${contents.size} different contents of its runs`);
  }
  const rows = await world.query<{ campaign: string; runs: number; sleeves: number }>(
    `SELECT config_json->>'campaign_id' AS campaign, count(*)::int AS runs,
            count(DISTINCT config_json->>'sleeve_id')::int AS sleeves FROM backtest_runs GROUP BY 1`,
  );
  for (const { campaign, runs: count, sleeves } of rows)
    if (count !== sleeves || count > 3) wrong.push(`campaign ${campaign}: ${count} runs of ${sleeves} sleeves`);
  const known = new Set(
    (await world.query<{ run_id: string }>('SELECT run_id FROM backtest_runs')).map((r) => r.run_id),
  );
  let told = 0;
  for (const id of listJobIds(world.home).filter((one) => one.endsWith('backtest-campaign'))) {
    const out = readFileSync(path.join(world.home.jobs, id, JobFile.stdout), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    for (const run of out.map((line) => line.split(',')[0])) {
      told++;
      if (!known.has(run)) wrong.push(`${id}: told run ${run}, which is not there`);
    }
    if (viewOf(world, id).state === 'DONE' && out.length !== 3) wrong.push(`${id}: DONE with ${out.length} runs`);
  }
  return { name: 'no row duplicated or missing', looked: `${known.size} runs (${told} told), all vectors`, wrong };
}

/** Ends supervisor and server: nothing of the home may be left. */
export async function noOrphan(world: World): Promise<Proof> {
  const left = await world.end();
  return { name: 'no orphan process', looked: 'all processes of the machine', wrong: left };
}

/** Jobs of the script by id, with the lines of their ledgers. */
function scripts(world: World, asked: readonly Asked[]): [id: string, ledger: string[]][] {
  const ledgers = new Map(asked.map(({ key, ledger }) => [key, ledger]));
  return listJobIds(world.home).flatMap((id): [string, string[]][] => {
    const ledger = ledgers.get(keyOf(world, id) ?? '');
    if (!ledger) return [];
    return [[id, existsSync(ledger) ? readFileSync(ledger, 'utf8').trim().split('\n').filter(Boolean) : []]];
  });
}
