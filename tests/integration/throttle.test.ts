/** Backfills that rest: outside their hours, by hand, at a share of the CPU; here, on other machines and as a job. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatDay } from '../../src/platform/dates.ts';
import { homeAt } from '../../src/platform/home.ts';
import { connectSupervisor } from '../../src/supervisor/wire/client.ts';
import { socketPath } from '../../src/supervisor/wire/socket-path.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { type Ended, type Started, startPrometheus } from '../helpers/processes.ts';
import { smallMarket } from '../helpers/small-market.ts';
import { storePanel } from '../helpers/store-panel.ts';
import { until } from '../helpers/until.ts';

const panel = smallMarket({ seed: 5, instruments: 6, days: 120 });
const [start, end] = [formatDay(panel.calendar.days[80]), formatDay(panel.calendar.days[119])];
/** One model × 40 days, four days of six names a shard. */
const SHARDS = 10;
const ARGS = ['--start-date', start, '--end-date', end, '--market', 'TEST', '--shard-cells', '24', '--device', 'cpu'];
const COMMAND = ['backfill', 'numeric-embeddings', '--models', 'num-stab-core-v1', '--workers', '1', ...ARGS];

/** An hour of the day that is far from now whenever the test runs. */
const hour = (new Date().getUTCHours() + 12) % 24;
const clock = (h: number) => `${String(h % 24).padStart(2, '0')}:00`;
const CLOSED = ['--window', `${clock(hour)}-${clock(hour + 2)}`];
const NIGHT = `paused until ${clock(hour)} UTC (night window)`;

let db: TestDatabases;
let home: string;
let started: Started[];
beforeEach(async () => {
  db = await createTestDatabases();
  await storePanel(db.databases, panel);
  home = mkdtempSync(path.join(tmpdir(), 'prometheus-throttle-'));
  writeFileSync(
    path.join(home, '.env'),
    `HISTORICAL_DB_URL=${db.urls.historical}\nRUNTIME_DB_URL=${db.urls.runtime}\n`,
  );
  started = [];
});
afterEach(async () => {
  for (const { child } of started) child.kill('SIGKILL');
  await prometheus('supervisor', 'stop');
  await db?.drop();
});

const prometheus = (...args: string[]): Promise<Ended> => startPrometheus(args, home).ended;

/** Starts a command in a home of its own and collects what it says. */
function begin(args: readonly string[]): Started & { readonly said: () => string } {
  const one = startPrometheus([...args, '--historical', db.urls.historical, '--runtime', db.urls.runtime]);
  started.push(one);
  let said = '';
  one.child.stderr!.on('data', (chunk) => (said += chunk));
  return { ...one, said: () => said };
}

const query = (text: string) =>
  db.databases.historical.client(async (client) => Number((await client.query(text)).rows[0].n));
const marks = () => query('SELECT count(*) AS n FROM console.shard_done');
const locks = () => query(`SELECT count(*) AS n FROM pg_locks WHERE relation = 'numeric_window_embeddings'::regclass`);

describe('outside its hours', () => {
  it('begins no shard, nor does a worker elsewhere; told otherwise, both go on', async () => {
    const first = begin([...COMMAND, ...CLOSED]);
    await until(() => first.said().includes(NIGHT), 'the first rests');
    const worker = begin(['worker', '--workers', '1', '--until-idle']);
    await until(() => worker.said().includes(NIGHT), 'the worker rests');
    expect([await marks(), await locks()]).toEqual([0, 0]);

    const shown = await prometheus('backfill', 'throttle', '--json');
    expect(JSON.parse(shown.stdout).backfills).toMatchObject([{ rests: NIGHT.replace('paused ', ''), paused: false }]);
    expect((await prometheus('backfill', 'throttle')).stdout).toContain(`${NIGHT}  shards begin ${CLOSED[1]} UTC`);

    const changed = await prometheus('backfill', 'throttle', '--off', '--cpu-share', '0.5');
    expect(changed).toMatchObject({ code: 0, stdout: expect.stringContaining('may work  CPU share 0.5') });
    expect([(await first.ended).code, (await worker.ended).code]).toEqual([0, 0]);
    expect(first.said()).toContain('goes on');
    expect([await marks(), await query('SELECT count(*) AS n FROM numeric_window_embeddings')]).toEqual([SHARDS, 240]);
    expect(await prometheus('backfill', 'throttle')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'no backfill is open\n',
    });
  });

  it('a pause outlives the process: resumed, it still rests until it is let go on', async () => {
    const first = begin([...COMMAND, ...CLOSED]);
    await until(() => first.said().includes(NIGHT), 'the first rests');
    await prometheus('backfill', 'throttle', '--pause');
    first.child.kill('SIGKILL');
    await first.ended;
    const again = begin([...COMMAND, '--resume', '--window', '00:00-24:00']);
    await until(() => again.said().includes('paused by hand'), 'the second rests');
    expect(await marks()).toBe(0);
    await prometheus('backfill', 'throttle', '--resume');
    expect((await again.ended).code).toBe(0);
    expect(await marks()).toBe(SHARDS);
  });
});

describe('as a job', () => {
  const job = async () => JSON.parse((await prometheus('job', 'show', 'last', '--json')).stdout).job;

  it('pauses and goes on by its number, says why, and is not called stalled', async () => {
    const [command, rest] = [COMMAND.slice(0, 2), COMMAND.slice(2)];
    expect(await prometheus('job', 'start', ...command, '--stall', '0.001', '--', ...rest, ...CLOSED)).toMatchObject({
      code: 0,
    });
    await until(async () => (await job()).paused === NIGHT.replace('paused ', ''), 'the job rests');
    const console = await connectSupervisor({
      socket: socketPath(homeAt(home), process.env),
      client: { name: 'a test', kind: 'test', pid: process.pid, readOnly: false },
      origin: { cwd: '/', environment: {} },
    });
    // As the console's key does it.
    expect(await console.pause({ jobId: (await job()).id, paused: true })).toMatchObject({ state: 'RUN' });
    await console.close();
    expect((await prometheus('events', '--audit')).stdout).toMatch(/\bpause 0001-/);
    expect(await prometheus('job', 'resume', '1')).toMatchObject({ code: 0 });
    expect(await prometheus('job', 'pause', '1')).toMatchObject({ code: 0, stdout: '' });
    expect(await prometheus('backfill', 'throttle', '--off')).toMatchObject({ code: 0 });
    await until(async () => (await job()).paused === 'by hand', 'the job rests by hand');
    expect(await job()).toMatchObject({ state: 'RUN', stalledSince: null });
    expect((await prometheus('job', 'ls')).stdout).toContain('paused by hand');
    expect(await marks()).toBe(0);

    expect(await prometheus('job', 'resume', '1')).toMatchObject({ code: 0 });
    expect(await prometheus('job', 'wait', '1')).toMatchObject({ code: 0 });
    expect(await job()).toMatchObject({ state: 'DONE', paused: null });
    expect(await marks()).toBe(SHARDS);
    expect(await prometheus('job', 'pause', '1')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^prometheus: job 0001-\S+ does not run \(DONE\)\. .*\n$/),
    });
  });
});

describe('bad input', () => {
  it.each([
    [['--window', '8-9'], /--window.* is no window; write it as 20:00-06:00/],
    [['--pause', '--resume'], /contradict/],
    [['abc', '--pause'], /0 open backfills begin with 'abc'/],
  ])('backfill throttle %j is a usage error of one line', async (flags, message) => {
    const { code, stdout, stderr } = await prometheus('backfill', 'throttle', ...flags);
    expect([code, stdout, stderr.trimEnd().split('\n').length]).toEqual([2, '', 1]);
    expect(stderr).toMatch(message);
  });
});
