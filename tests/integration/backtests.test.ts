/** Runs on record as a list and one by one, on a real server: figures that are missing stay missing. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listRuns, readRun } from '../../src/report/runs.ts';
import { createTestDatabases, type TestDatabases } from '../helpers/databases.ts';
import { SLEEVES, seedRun } from '../helpers/phase-market.ts';

let pair: TestDatabases;
beforeEach(async () => {
  pair = await createTestDatabases();
});
afterEach(() => pair.drop());

test('newest first, with the sleeve, the curve and what the run says of itself', async () => {
  await seedRun(pair.databases, SLEEVES[0], { createdAt: '2025-01-01T00:00:00Z' });
  await seedRun(pair.databases, SLEEVES[1], {
    createdAt: '2025-01-02T00:00:00Z',
    config: {
      assessment_backend: 'context',
      git_sha: 'abc',
      git_dirty: true,
      data_fingerprint: 'f1',
      caveat: '',
      demo: true,
    },
  });
  const runs = await listRuns(pair.databases.runtime, { limit: 10 });
  expect(runs.map((run) => run.sleeveId)).toEqual([SLEEVES[1], SLEEVES[0]]);
  expect(runs[0]).toMatchObject({
    backend: 'context',
    caveat: '',
    demo: true,
    complete: true,
    provenance: { gitSha: 'abc', gitDirty: true, data: 'f1', build: null },
  });
  // A run of another system says nothing of its fills: the reference's are assumed, and said.
  expect(runs[1]).toMatchObject({
    backend: 'basic',
    caveat: 'same-close, no costs: not tradable; survivors only',
    demo: false,
  });
  expect(runs[0].spark.length).toBeGreaterThan(1);
  expect(await listRuns(pair.databases.runtime, { limit: 10, sleeve: SLEEVES[0] })).toHaveLength(1);
});

test('a run without figures has none: null, never 0', async () => {
  await seedRun(pair.databases, SLEEVES[0], { metrics: null });
  const [run] = await listRuns(pair.databases.runtime, { limit: 1 });
  expect(run).toMatchObject({
    complete: false,
    cumulativeReturn: null,
    sharpe: null,
    maxDrawdown: null,
    beta: null,
    tradeListHash: null,
  });
});

test('one run day by day, found by the beginning of its id; an unclear or unknown one is refused', async () => {
  await seedRun(pair.databases, SLEEVES[0], { runId: 'aaaa-1' });
  await seedRun(pair.databases, SLEEVES[1], { runId: 'aaaa-2' });
  const run = await readRun(pair.databases.runtime, 'aaaa-1');
  expect(run.days.length).toBe(run.equity.length);
  expect(run.days[0] < run.days[1]).toBe(true);
  expect(run.tradesByDay.reduce((a, b) => a + b, 0)).toBe(1);
  expect(run.monthly.map(({ month }) => month)).toEqual(['2014-01', '2014-02', '2014-03']);
  const total = run.monthly.reduce((product, { value }) => product * (1 + value), 1) - 1;
  expect(total).toBeCloseTo(run.equity.at(-1)! / run.equity[0]! - 1, 12);
  await expect(readRun(pair.databases.runtime, 'aaaa')).rejects.toThrow("more than one run begins with 'aaaa'");
  await expect(readRun(pair.databases.runtime, 'bbbb')).rejects.toThrow("there is no run 'bbbb'");
});
