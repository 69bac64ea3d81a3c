/** Several processes at one backfill: killed ones are made up for, by others or by --resume, and no row is lost or doubled. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { program as digest } from '../../engines/data/digest/program.ts';
import { digestSpec } from '../../engines/data/digest/spec.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { Random } from '../../src/platform/random.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { type Started, startPrometheus } from '../helpers/processes.ts';
import { runProgram } from '../helpers/run-program.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

const panel = smallMarket({ seed: 21, instruments: 12, days: 220, gaps: 0.02 });
const [start, end] = [formatDay(panel.calendar.days[60]), formatDay(panel.calendar.days[219])];
/** 5 models × 160 days, four days of twelve names a shard. */
const SHARDS = 5 * 40;
/** How often the backfill is killed; the long form is run with more. */
const KILLS = Number(process.env.PROMETHEUS_TEST_KILLS ?? 4);
const ARGS = ['--start-date', start, '--end-date', end, '--market', 'TEST', '--shard-cells', '48', '--device', 'cpu'];

const urlsOf = (db: TestDatabases) => ['--historical', db.urls.historical, '--runtime', db.urls.runtime];
const backfill = (db: TestDatabases, ...more: string[]) =>
  startPrometheus(['backfill', 'numeric-embeddings', ...ARGS, ...urlsOf(db), ...more]);
const worker = (db: TestDatabases) => startPrometheus(['worker', '--workers', '1', '--until-idle', ...urlsOf(db)]);
const contentOf = async (db: TestDatabases) =>
  (await runProgram(digestSpec, digest, { table: ['numeric_window_embeddings'] }, db.databases)).stdout;

/** What an undisturbed run in one process gives. */
let expected: string;
let db: TestDatabases;
/** Holds the table's lock, and watches, outside the pools under test. */
let holder: pg.Client;
let started: Started[];

beforeAll(async () => {
  const alone = await createTestDatabases();
  try {
    await storePanel(alone.databases, panel);
    const { code, stderr } = await backfill(alone, '--workers', '1').ended;
    if (code !== 0) throw new Error(stderr);
    expected = await contentOf(alone);
  } finally {
    await alone.drop();
  }
});
beforeEach(async () => {
  db = await createTestDatabases();
  started = [];
  await storePanel(db.databases, panel);
  holder = new pg.Client(db.targets.historical.config);
  await holder.connect();
});
afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await holder?.end();
  await db?.drop();
});
afterAll(() => expect(expected).toMatch(/numeric_window_embeddings/));

/** Starts it and remembers it, so that a failing test leaves nothing behind. */
function run(one: Started): Started {
  started.push(one);
  return one;
}

const marks = async () =>
  Number((await holder.query('SELECT count(*) AS n FROM console.shard_done WHERE model_id IS NOT NULL')).rows[0].n);
const waitingForTable = async () =>
  Number(
    (
      await holder.query(
        `SELECT count(*) AS n FROM pg_locks WHERE relation = 'numeric_window_embeddings'::regclass AND NOT granted`,
      )
    ).rows[0].n,
  );
const state = async () => (await holder.query('SELECT state FROM console.backfills')).rows.map((row) => row.state);

/** Waits until `count` shards are marked; a process that ends instead fails the test with its words. */
const untilMarked = (count: number, of: Started) =>
  until(async () => {
    if (of.over()) throw new Error(`it ended at ${await marks()} marks: ${(await of.ended).stderr}`);
    return (await marks()) >= count;
  }, `${count} shards are marked`);

describe('three processes with homes of their own', () => {
  it('two of them killed at random points: the third does the rest, and the rows are those of a single process', async () => {
    const random = new Random(Date.now() >>> 0);
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE numeric_window_embeddings IN SHARE MODE');
    const first = run(backfill(db, '--workers', '1'));
    await until(async () => (await waitingForTable()) === 1, 'the first is at work');
    const others = [run(worker(db)), run(worker(db))];
    await until(async () => (await waitingForTable()) === 3, 'all three are at work');
    await holder.query('COMMIT');

    const victims = [first, ...others];
    const [one] = victims.splice(random.below(3), 1);
    await untilMarked(5 + random.below(60), one);
    one.child.kill('SIGKILL');
    const [two] = victims.splice(random.below(2), 1);
    await untilMarked(70 + random.below(60), two);
    two.child.kill('SIGKILL');
    const [survivor] = victims;
    const { code, stderr } = await survivor.ended;
    expect([code, stderr]).toEqual([0, stderr]);
    expect(await marks()).toBe(SHARDS);
    expect(await contentOf(db)).toBe(expected);

    // Whoever began it ends it: if that one was killed, its --resume finds nothing left to do.
    if (survivor !== first) {
      expect(await state()).toEqual(['open']);
      expect(await run(backfill(db, '--workers', '1', '--resume')).ended).toMatchObject({ code: 0 });
    }
    expect(await state()).toEqual(['done']);
    expect(await contentOf(db)).toBe(expected);
  });
});

describe('a shard that is marked', () => {
  it('writes nothing when it is handed out again', async () => {
    expect(await run(backfill(db, '--workers', '2')).ended).toMatchObject({ code: 0 });
    // As if every claim were delivered a second time: the same backfill, its marks kept, its rows gone.
    await holder.query(`TRUNCATE numeric_window_embeddings; UPDATE console.backfills SET state = 'open'`);
    expect(await run(backfill(db, '--workers', '2', '--resume')).ended).toMatchObject({ code: 0 });
    expect((await holder.query('SELECT count(*)::int AS n FROM numeric_window_embeddings')).rows[0].n).toBe(0);
  });
});

describe('a worker', () => {
  it('whose prices are others refuses to join', async () => {
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE numeric_window_embeddings IN SHARE MODE');
    const first = run(backfill(db, '--workers', '1'));
    await until(async () => (await waitingForTable()) === 1, 'the first is at work');
    await db.databases.historical.client((client) =>
      client.query(`UPDATE prices_daily SET close = close + 1 WHERE instrument_id = 'I000.T' AND trade_date = $1`, [
        end,
      ]),
    );
    const { code, stderr } = await run(worker(db)).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/prices, calendar or instruments have changed since backfill/);
    await holder.query('COMMIT');
    expect(await first.ended).toMatchObject({ code: 0 });
  });
});

describe('a backfill whose beginner died', () => {
  const reopened = async (...more: string[]) => {
    expect(await run(backfill(db, '--workers', '2', ...more)).ended).toMatchObject({ code: 0 });
  };
  /** Rows in `backfills` and nothing in any queue: that is what is left of one that was killed before it filled it. */
  const leave = () =>
    holder.query(`TRUNCATE numeric_window_embeddings; DELETE FROM console.shard_done;
                  UPDATE console.backfills SET state = 'open', ended_at = NULL`);

  it('before it had filled its queue is done by a worker', async () => {
    await reopened();
    await leave();
    // With other arguments --resume would throw that work away.
    const other = await run(backfill(db, '--resume', '--skip-existing')).ended;
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('begun with another skipExisting')]);
    expect(await state()).toEqual(['open']);
    const { code, stderr } = await run(worker(db)).ended;
    expect([code, stderr]).toEqual([0, stderr]);
    expect(await marks()).toBe(SHARDS);
    expect(await contentOf(db)).toBe(expected);
    expect(await run(backfill(db, '--resume')).ended).toMatchObject({ code: 0 });
    expect(await state()).toEqual(['done']);
  });

  it('and whose prices have changed does not keep a worker from the next one', async () => {
    const [early, late] = [70, 210].map((t) => formatDay(panel.calendar.days[t]));
    const one = ['--models', 'num-stab-core-v1'];
    await reopened(...one, '--start-date', late, '--end-date', end);
    await reopened(...one, '--start-date', start, '--end-date', early);
    await leave();
    await holder.query(`UPDATE prices_daily SET volume = volume + 1 WHERE trade_date = $1`, [end]);
    const { code, stderr } = await run(worker(db)).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/does not join backfill .*prices, calendar or instruments have changed/);
    const { rows } = await holder.query(
      `SELECT min(as_of_date)::text AS first, max(as_of_date)::text AS last FROM numeric_window_embeddings`,
    );
    expect(rows).toEqual([{ first: start, last: early }]);

    // Those that are replaced leave no queue behind.
    await reopened();
    expect((await holder.query('SELECT state FROM console.backfills ORDER BY created_at')).rows).toEqual([
      { state: 'replaced' },
      { state: 'replaced' },
      { state: 'done' },
    ]);
    expect((await holder.query('SELECT name FROM console.queue')).rows).toEqual([]);
  });
});

describe('kill -9 and --resume', () => {
  it(
    'again and again, at random points, ends with the rows of an undisturbed run',
    async () => {
      const random = new Random(Date.now() >>> 0);
      for (let kill = 0; kill < KILLS; kill++) {
        const one = run(backfill(db, '--workers', '2', '--resume'));
        // Far from the end: a run that has ended is not killed.
        await untilMarked((await marks()) + 1 + random.below(Math.floor(SHARDS / (KILLS + 1)) - 2), one);
        one.child.kill('SIGKILL');
        expect((await one.ended).signal).toBe('SIGKILL');
      }
      const { code, stderr } = await run(backfill(db, '--workers', '2', '--resume')).ended;
      expect([code, stderr]).toEqual([0, stderr]);
      expect(stderr).not.toMatch(/nothing to resume/);
      expect(await contentOf(db)).toBe(expected);
      expect(await state()).toEqual(['done']);
    },
    60_000 + KILLS * 20_000,
  );
});

describe('Ctrl-C', () => {
  it('ends with 130 and leaves whole shards only; --resume goes on', async () => {
    const one = run(backfill(db, '--workers', '2'));
    await untilMarked(10, one);
    one.child.kill('SIGINT');
    expect((await one.ended).code).toBe(130);
    const { rows } = await holder.query(
      `SELECT (SELECT count(*) FROM numeric_window_embeddings) = (SELECT sum(rows) FROM console.shard_done) AS whole`,
    );
    expect(rows[0].whole).toBe(true);
    expect(await run(backfill(db, '--resume')).ended).toMatchObject({ code: 0 });
    expect(await contentOf(db)).toBe(expected);
  });
});
