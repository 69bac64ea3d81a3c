/** Campaigns over several processes: killed ones are made up for, and the runs are those of one process alone. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CampaignRequest, joinCampaign } from '../../engines/backtest/distributed.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { collectedEvents } from '../../src/platform/events.ts';
import { homeAt } from '../../src/platform/home.ts';
import { keyId } from '../../src/platform/ids.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import { oldestOpen } from '../../src/queue/backfills.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { type Started, startPrometheus } from '../helpers/processes.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

const panel = smallMarket({ seed: 9, instruments: 20, days: 130 });
const [start, end] = [formatDay(panel.calendar.days[80]), formatDay(panel.calendar.days[129])];
const RANGE = ['--market-id', 'TEST', '--start', start, '--end', end];
const SLEEVES = [1, 5, 10, 21, 30, 42, 50, 63].map(
  (horizon) => `S_H${horizon}:S:TEST:S_H${horizon}_U:S_H${horizon}_P:S_H${horizon}_A:${horizon}`,
);
const CAMPAIGN = ['backtest', 'campaign', ...RANGE, '--sleeve', ...SLEEVES, '--max-workers', '1', '--json'];
const SWEEP = ['sweep', ...RANGE, '--sleeve', SLEEVES[3], '--grid', 'slippage-bps=0,5,20'];

/** What a campaign writes. */
const TABLES = [
  'backtest_runs',
  'backtest_daily_equity',
  'backtest_trades',
  'executed_actions',
  'engine_decisions',
  'decision_outcomes',
  'positions_snapshots',
  'soft_target_classes',
];
/** Counted up by the server, and times of writing. */
const LEFT_OUT = `ARRAY['trade_id', 'snapshot_id', 'outcome_id', 'created_at']`;

/** Three processes start and read their prices beside whatever else the machine does. */
const PATIENCE_MS = 120_000;

let db: TestDatabases;
let alone: TestDatabases;
/** Outside the pools under test: holds locks of the runtime database. */
let holder: pg.Client;
const started: Started[] = [];

const urlsOf = (pair: TestDatabases) => ['--historical', pair.urls.historical, '--runtime', pair.urls.runtime];
/** Starts it and remembers it, so that a failing test leaves nothing behind. */
function run(args: readonly string[], pair = db): Started {
  const one = startPrometheus([...args, ...urlsOf(pair)]);
  started.push(one);
  return one;
}
const worker = () => run(['worker', '--workers', '1', '--until-idle']);

async function historical<Row extends object>(sql: string): Promise<Row[]> {
  return db.databases.historical.client(async (client) => (await client.query(sql)).rows as Row[]);
}
const marks = async () => (await historical<{ n: number }>('SELECT count(*) AS n FROM console.shard_done'))[0].n;

/** A text without the ids of campaign and runs, which a campaign draws for itself. */
async function plain(text: string, pair: TestDatabases): Promise<string> {
  const { rows } = await pair.databases.runtime.client((client) =>
    client.query<{ run: string; campaign: string; sleeve: string }>(
      `SELECT run_id AS run, config_json->>'campaign_id' AS campaign, config_json->>'sleeve_id' AS sleeve FROM backtest_runs`,
    ),
  );
  return rows.reduce((out, { run, campaign, sleeve }) => {
    // Whoever records it, it is the same run.
    expect(run).toBe(keyId(campaign, sleeve));
    return out.replaceAll(run, `run of ${sleeve}`).replaceAll(campaign, 'campaign');
  }, text);
}

async function contentOf(pair: TestDatabases): Promise<string> {
  const parts: string[] = [];
  for (const table of TABLES) {
    const { rows } = await pair.databases.runtime.client((client) =>
      client.query<{ row: string }>(`SELECT (to_jsonb(t) - ${LEFT_OUT})::text AS row FROM ${table} t`),
    );
    const lines = await plain(rows.map((one) => one.row).join('\n'), pair);
    expect(rows.length).toBeGreaterThan(0);
    parts.push(table, ...lines.split('\n').sort());
  }
  return parts.join('\n');
}

beforeAll(async () => {
  for (const make of [
    async () => (alone = await createTestDatabases()),
    async () => (db = await createTestDatabases()),
  ]) {
    await storePanel((await make()).databases, panel);
  }
  holder = new pg.Client(db.targets.runtime.config);
  await holder.connect();
});
afterEach(async () => {
  await holder.query('ROLLBACK');
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await holder?.end();
  await db?.drop();
  await alone?.drop();
});

describe('a distributed campaign', () => {
  let expected: { readonly stdout: string; readonly content: string };

  it('whose beginner and one of whose workers are killed is finished by the other, and reported on --resume', async () => {
    const undisturbed = await run(CAMPAIGN, alone).ended;
    expect([undisturbed.code, undisturbed.stderr]).toEqual([0, undisturbed.stderr]);
    expected = { stdout: await plain(undisturbed.stdout, alone), content: await contentOf(alone) };

    // Each of three processes has simulated a sleeve and is about to record it.
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE backtest_runs IN SHARE MODE');
    const waiting = (count: number, words: string) =>
      until(
        async () => {
          const { rows } = await holder.query<{ n: number }>(
            `SELECT count(*)::int AS n FROM pg_locks WHERE relation = 'backtest_runs'::regclass AND NOT granted`,
          );
          return rows[0].n === count;
        },
        words,
        PATIENCE_MS,
      );
    const beginner = run([...CAMPAIGN, '--distributed']);
    await waiting(1, 'the beginner is at work');
    const [victim, survivor] = [worker(), worker()];
    await waiting(3, 'all three are at work');
    for (const { child } of [beginner, victim]) child.kill('SIGKILL');
    await Promise.all([beginner.ended, victim.ended]);
    await holder.query('COMMIT');
    const { code, stderr } = await survivor.ended;
    expect([code, stderr]).toEqual([0, stderr]);
    expect(stderr).toMatch(/8 runs and 0 vectors in 8 shards of 1 backfill/);
    expect(await marks()).toBe(SLEEVES.length);

    const resumed = await run([...CAMPAIGN, '--distributed', '--resume']).ended;
    expect([resumed.code, resumed.stderr]).toEqual([0, resumed.stderr]);
    expect(await plain(resumed.stdout, db)).toBe(expected.stdout);
    expect(await contentOf(db)).toBe(expected.content);
    expect(await historical('SELECT state FROM console.backfills')).toEqual([{ state: 'done' }]);
  }, 600_000);

  it('records no run twice when a mark was lost after its run was there', async () => {
    await historical(`UPDATE console.backfills SET state = 'open', ended_at = NULL`);
    await historical(`DELETE FROM console.shard_done WHERE shard_id LIKE '%/0' OR shard_id LIKE '%/5'`);
    const again = await run([...CAMPAIGN, '--distributed', '--resume']).ended;
    expect([again.code, again.stderr]).toEqual([0, again.stderr]);
    expect(await plain(again.stdout, db)).toBe(expected.stdout);
    expect(await contentOf(db)).toBe(expected.content);
    expect(await marks()).toBe(SLEEVES.length);
  }, 300_000);

  it('takes no worker with other code or other prices', async () => {
    await historical(`UPDATE console.backfills SET state = 'open', ended_at = NULL`);
    const open = (await oldestOpen<CampaignRequest>(db.databases.historical, 'campaign', new Set()))!;
    const context = (provenance: ProgramContext['provenance']): ProgramContext => ({
      home: homeAt('/nonexistent'),
      databases: db.databases,
      events: collectedEvents(),
      signal: new AbortController().signal,
      now: Date.now,
      newId: () => 'none',
      stdout: () => {},
      provenance,
    });
    await expect(joinCampaign(open, 1, context({ ...open.spec.code, gitSha: 'abc' }))).rejects.toThrow(
      /was begun by other code than this worker's \(gitSha: null, here abc\)/,
    );
    await historical(
      `UPDATE prices_daily SET close = close + 1 WHERE instrument_id = 'I000.T' AND trade_date = '${end}'`,
    );
    await expect(joinCampaign(open, 1, context(open.spec.code))).rejects.toThrow(/have changed since backfill/);
    await historical(
      `UPDATE prices_daily SET close = close - 1 WHERE instrument_id = 'I000.T' AND trade_date = '${end}'`,
    );
    await historical(`UPDATE console.backfills SET state = 'done', ended_at = now()`);
  });
});

describe('--wait-only', () => {
  it('ends with the reason for a sleeve that no worker can simulate', async () => {
    // Not a whole share can be had for it.
    const hopeless = [...CAMPAIGN.slice(0, -3), '--whole-shares', '--initial-cash', '0.001'];
    const waiting = run([...hopeless, '--distributed', '--wait-only']);
    const helper = run(['worker', '--workers', '1']);
    const { code, stderr } = await waiting.ended;
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/S_H1 made no trade from .*Look at --initial-cash \(0\.001\).* So it is with 7 more\./),
    ]);
    expect(helper.over()).toBe(false);
    helper.child.kill('SIGTERM');
    await helper.ended;
    const states = await historical('SELECT DISTINCT state FROM console.backfills');
    expect(states).toEqual([{ state: 'done' }]);
  }, 300_000);

  it('leaves every sleeve of a sweep to workers; without --distributed it is refused', async () => {
    const undisturbed = await run(SWEEP, alone).ended;
    expect([undisturbed.code, undisturbed.stderr]).toEqual([0, undisturbed.stderr]);
    const waiting = run([...SWEEP, '--distributed', '--wait-only']);
    const open = `SELECT backfill_id AS id FROM console.backfills WHERE state = 'open'`;
    await until(
      async () => {
        if (waiting.over()) throw new Error((await waiting.ended).stderr);
        return (await historical(open)).length === 1;
      },
      'the sweep is open',
      PATIENCE_MS,
    );
    const [{ id }] = await historical<{ id: string }>(open);
    const other = worker();
    const { code, stdout, stderr } = await waiting.ended;
    expect([code, stderr]).toEqual([0, stderr]);
    expect(await plain(stdout, db)).toBe(await plain(undisturbed.stdout, alone));
    expect((await other.ended).code).toBe(0);
    const workers = await historical<{ worker: string }>(
      `SELECT DISTINCT split_part(worker, '/', 2) AS worker FROM console.shard_done WHERE backfill_id = '${id}'`,
    );
    expect(workers).toEqual([{ worker: String(other.child.pid) }]);
    const refused = await run([...SWEEP, '--wait-only']).ended;
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--wait-only says nothing here') });
  }, 600_000);
});
