/** What must be true when everything has been killed often enough: each proof names what it looked at and what is wrong. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { JobFile } from '../../src/supervisor/job-files.ts';
import { hasEnded } from '../../src/supervisor/job-state.ts';
import { listJobIds, readJob } from '../../src/supervisor/job-store.ts';
import type { JobState, JobView } from '../../src/supervisor/protocol.ts';
import type { Blow, BlowKind } from './blows.ts';
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
    const bytes = readFileSync(path.join(world.home.jobs, id, JobFile.stdout));
    const log = bytes.toString();
    const written = log.split('\n').slice(0, -1);
    const noted = ledger.filter((line) => !/^(exit|torn)/.test(line)).length;
    // It could write a part of a line only, and has noted how much.
    const torn = Number(ledger.find((line) => line.startsWith('torn'))?.slice('torn '.length) ?? 0);
    lines += written.length;
    const expected = written.map((_, i) => `line ${i + 1} ${'·'.repeat((i + 1) % 80)}`);
    if (bytes.length - (bytes.lastIndexOf(10) + 1) !== torn) wrong.push(`${id}: its log ends in the middle of a line`);
    if (expected.some((line, i) => line !== written[i])) wrong.push(`${id}: its log differs`);
    // It may die between the line and its note.
    if (written.length < noted || written.length > noted + 1)
      wrong.push(`${id}: ${noted} lines noted, ${written.length} in the log`);
  }
  return { name: 'no log byte lost', looked: `${lines} lines of scripts`, wrong };
}

/** A code is one that the program gave, a signal one that we sent, and LOST what nobody can know. */
export function noExitCodeInvented(world: World, asked: readonly Asked[], blows: readonly Blow[]): Proof {
  const wrong: string[] = [];
  const ledgers = new Map(scripts(world, asked));
  const killed = (kind: BlowKind, id: string) => blows.some((one) => one.kind === kind && one.job === id);
  // Where no byte could be written no outcome could be either.
  const starved = ({ createdAt, endedAt }: JobView) =>
    blows.some(
      ({ kind, from, to }) =>
        kind === 'full disk of the home' && createdAt <= to && (endedAt === null || endedAt >= from),
    );
  const ids = listJobIds(world.home);
  for (const id of ids) {
    const view = viewOf(world, id);
    const { state, exitCode, reason } = view;
    const { exit } = readJob(world.home, id);
    if (state === 'LOST') {
      if (exit || exitCode !== null) wrong.push(`${id}: LOST, with an exit record`);
      if (!killed('shim', id) && !starved(view)) wrong.push(`${id}: LOST, though its shim was not killed`);
      continue;
    }
    if (!exit) wrong.push(`${id}: ${state} without an exit record`);
    else if (exit.signal !== null && !killed('job', id)) wrong.push(`${id}: ${exit.signal}, which nobody sent`);
    else if (exit.error !== null && exit.code === null && exit.signal === null && !starved(view))
      wrong.push(`${id}: ${reason}`);
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
  const { tables, runs } = await world.content();
  for (const [i, table] of expected.tables.entries())
    if (tables[i] !== table) wrong.push(`${tables[i]}, expected ${table}`);
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
  return {
    name: 'no row duplicated or missing',
    looked: `${known.size} runs (${told} told), ${tables.length} tables`,
    wrong,
  };
}

/** A viewer that nobody disturbed, at the beginning of the run and at its end. */
export function noLeak(before: Footprint, after: Footprint): Proof {
  const wrong: string[] = [];
  if (after.rssMiB - before.rssMiB > MOST_GROWTH_MIB)
    wrong.push(`memory grew from ${before.rssMiB} to ${after.rssMiB} MiB`);
  if (after.files > before.files + MOST_FILES) wrong.push(`open files grew from ${before.files} to ${after.files}`);
  const of = ({ rssMiB, files }: Footprint) => `${rssMiB} MiB and ${files} open files`;
  return { name: 'no leak in a console', looked: `${of(before)}, at the end ${of(after)}`, wrong };
}

/** Growth that is no leak: the collector's slack, a connection that is being made. */
const MOST_GROWTH_MIB = 64;
const MOST_FILES = 4;

export interface Footprint {
  readonly rssMiB: number;
  readonly files: number;
}

/** Resident memory and open files of a living process. Linux. */
export function footprint(pid: number): Footprint {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
  return { rssMiB: Math.round((pages * 4096) / 1024 / 1024), files: readdirSync(`/proc/${pid}/fd`).length };
}

/** With all work done no session holds a transaction, and no draft of a file lies about. */
export async function nothingLeftOpen(world: World): Promise<Proof> {
  const wrong: string[] = [];
  const sessions = await world.query<{ state: string; query: string }>(
    `SELECT state, query FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND (state LIKE 'idle in transaction%' OR state = 'active')`,
  );
  for (const { state, query } of sessions) wrong.push(`a session is ${state}: ${query.slice(0, 80)}`);
  const files = readdirSync(world.home.root, { recursive: true, encoding: 'utf8' });
  for (const file of files) if (/\.(tmp|new|old|draft)\b/.test(file)) wrong.push(`a draft is left: ${file}`);
  return { name: 'nothing left open or half-written', looked: `sessions of the server, ${files.length} files`, wrong };
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
