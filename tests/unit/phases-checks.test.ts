import { describe, expect, test } from 'vitest';
import { numericEmbeddingsSpec } from '../../engines/verify/spec.ts';
import { migrations as historical } from '../../migrations/historical/index.ts';
import { migrations as runtime } from '../../migrations/runtime/index.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { deriveBoard } from '../../src/phases/board.ts';
import { TradingDays, yearOf, yearStart } from '../../src/phases/calendar.ts';
import { sleeveIds } from '../../src/phases/campaign.ts';
import type { Facts } from '../../src/phases/check.ts';
import { LATER_COMMANDS } from '../../src/phases/checks/later.ts';
import { PROOF_RECOMPUTED, PROOF_SAMPLE } from '../../src/phases/checks/numeric-proof.ts';
import type { Evidence, VectorDays } from '../../src/phases/evidence.ts';
import { SCHEMA_STEPS } from '../../src/phases/schema.ts';
import type { CheckResult } from '../../src/phases/types.ts';
import { parseDay } from '../../src/platform/dates.ts';
import {
  BUILD,
  DAY_MS,
  factsWith,
  greenEvidence,
  HOLIDAYS,
  known,
  NOW,
  run,
  shippedNeed,
  unknown,
  valueIn,
} from '../helpers/phase-evidence.ts';

const need = shippedNeed();
const green = greenEvidence(need);

/** The same without the vectors of these days. */
const lacking = (all: VectorDays, gone: (day: number) => boolean): VectorDays => ({
  ...all,
  present: all.present.map((n, k) => (gone(all.days[k]) ? 0 : n)),
  missing: all.present.map((n, k) => (gone(all.days[k]) ? n : 0)),
});

/** One check on the green evidence with some of it replaced. */
function check(id: string, changes: Partial<Evidence> = {}, more: Partial<Facts> = {}): CheckResult {
  const found = deriveBoard(factsWith(changes, more))
    .phases.flatMap((phase) => phase.checks)
    .find((one) => one.id === id);
  if (!found) throw new Error(`no check ${id}`);
  return found;
}

describe('P0.tests', () => {
  const record = {
    passed: 10,
    failed: 0,
    skipped: 0,
    build: BUILD,
    sha: 'f00',
    dirty: false,
    finishedAt: NOW - DAY_MS,
  };
  const withRecord = (more: Partial<typeof record>, facts: Partial<Facts> = {}) =>
    check('P0.tests', { tests: known({ ...record, ...more }) }, facts);

  test('counts decide when the record is of this build', () => {
    expect(withRecord({})).toMatchObject({
      state: 'OK',
      observed: '10 passed, 0 failed, 0 skipped',
      reason: '',
      at: NOW - DAY_MS,
    });
    expect(withRecord({ failed: 2 })).toMatchObject({
      state: 'FAIL',
      reason: '2 tests failed 1 day ago.',
      fix: 'bin/test',
    });
    expect(withRecord({ passed: 0 })).toMatchObject({ state: 'FAIL' });
  });

  test('no record, or one of another build, waits for bin/test', () => {
    expect(check('P0.tests', { tests: known(null) })).toMatchObject({ state: 'WAIT', fix: 'bin/test' });
    expect(withRecord({ build: 'other' })).toMatchObject({ state: 'WAIT', fix: 'bin/test' });
    expect(withRecord({}, { build: null })).toMatchObject({ state: 'WAIT' });
  });
});

describe('P0.tests with a suite of the user’s own', () => {
  const suite = { root: '/theirs', sha: 'abcdef0123' };
  const run = (observed: Record<string, unknown>, state = 'OK'): Partial<Evidence> => ({
    suite,
    suiteRun: known({
      checkId: 'P0.tests',
      state,
      observed: { passed: 612, failed: 0, skipped: 3, root: '/theirs', sha: 'abcdef0123', dirty: false, ...observed },
      reason: '',
      build: null,
      at: NOW - DAY_MS,
    }),
    // Our own record says nothing then.
    tests: known(null),
  });

  test.each([
    [{ suite }, 'WAIT', 'No run of the tests in /theirs is recorded.'],
    [run({}), 'OK', ''],
    [run({ root: '/elsewhere' }), 'WAIT', 'No run of the tests in /theirs is recorded.'],
    [
      run({ sha: '9999999999' }),
      'WAIT',
      'The recorded test run is of another commit (9999999; abcdef0 is checked out).',
    ],
    [run({ failed: 2 }, 'FAIL'), 'FAIL', '2 failed, 612 passed, 1 day ago.'],
  ] as const)('%j is %s', (evidence, state, reason) => {
    expect(check('P0.tests', evidence)).toMatchObject({ state, reason });
  });

  test('its record tells counts, commit and changes', () => {
    expect(check('P0.tests', run({ dirty: true }))).toMatchObject({
      observed: 'pytest: 612 passed, 0 failed, 3 skipped · with changes',
      at: NOW - DAY_MS,
    });
  });
});

describe('P0.databases', () => {
  const schema = { missingTables: [], pending: [], applied: 3, adopted: false, swapped: false };

  test('missing tables fail, pending steps are PART', () => {
    expect(
      check('P0.databases', { historicalSchema: known({ ...schema, missingTables: ['news_links'] }) }),
    ).toMatchObject({
      state: 'FAIL',
      reason: 'Missing: historical.news_links; no step brings back what was lost, a backup does.',
      fix: 'db status',
    });
    expect(
      check('P0.databases', {
        historicalSchema: known({ ...schema, missingTables: ['news_links'], pending: ['0002_embeddings'] }),
      }),
    ).toMatchObject({ state: 'FAIL', reason: 'Missing: historical.news_links.', fix: 'db migrate' });
    expect(check('P0.databases', { runtimeSchema: known({ ...schema, pending: ['0008_evidence'] }) })).toMatchObject({
      state: 'PART',
      fix: 'db migrate',
    });
  });

  test('swapped databases are named as such', () => {
    const swapped = { ...schema, missingTables: ['prices_daily'], swapped: true };
    expect(check('P0.databases', { historicalSchema: known(swapped) })).toMatchObject({
      state: 'FAIL',
      reason: expect.stringMatching(/^The historical database is the runtime one: swap the two in HISTORICAL_DB_/),
      fix: null,
    });
  });

  test('knows the same steps and tables as the migrations', () => {
    for (const [name, steps] of [
      ['historical', historical],
      ['runtime', runtime],
    ] as const) {
      const expected = Object.fromEntries(Object.entries(steps).map(([step, { tables }]) => [step, [...tables]]));
      expect(SCHEMA_STEPS[name]).toEqual(expected);
    }
  });
});

describe('P0.prices', () => {
  const extent = valueIn(green.prices);

  test('a shorter range is PART with the observed range', () => {
    const first = parseDay('2010-01-04');
    const short = check('P0.prices', { prices: known({ ...extent, first, last: parseDay('2024-08-26') }) });
    expect(short).toMatchObject({ state: 'PART', required: '1997-01-02 → 2024-12-31' });
    expect(short.observed).toContain('2010-01-04 → 2024-08-26');
    expect(short.reason).toMatch(
      /^Prices begin 2010-01-04, 3,\d{3} trading days after 1997-01-02; prices end 2024-08-26, \d+ trading days before 2024-12-31\.$/,
    );
  });

  test('closed days at either end are no shortfall', () => {
    const config = { ...need, prices: { start: '1996-12-28', end: '2025-01-01' } };
    expect(
      check('P0.prices', { prices: known({ ...extent, first: parseDay('1996-12-30') }) }, { need: config }).state,
    ).toBe('OK');
  });

  test('an empty table waits for the import; duplicates are named', () => {
    const empty = { rows: 0, duplicates: 0, first: null, last: null, instruments: 0, cells: [] };
    expect(check('P0.prices', { prices: known(empty) })).toMatchObject({ state: 'WAIT', observed: '0 rows' });
    const doubled = check('P0.prices', { prices: known({ ...extent, rows: extent.rows + 7, duplicates: 7 }) });
    expect(doubled).toMatchObject({
      state: 'PART',
      reason: '7 rows repeat an instrument and day that is already there.',
    });
  });

  test('a demo home is asked for its own range, and says so', () => {
    const demo = shippedNeed(true);
    const facts = { need: demo };
    expect(check('P0.prices', greenEvidence(demo), facts)).toMatchObject({ state: 'OK' });
    expect(check('P0.prices', greenEvidence(demo), facts).required).toMatch(/^2010-01-04 → 2024-12-31 \(DEMO: /);
    expect(check('P0.prices', greenEvidence(demo)).state).toBe('PART');
  });
});

describe('P0.holidays', () => {
  test('an uncovered stretch is named', () => {
    const rows = HOLIDAYS.filter((day) => day < yearStart(2003) || day > yearStart(2008));
    expect(check('P0.holidays', { holidays: known(rows) })).toMatchObject({ state: 'PART' });
    expect(check('P0.holidays', { holidays: known(rows) }).reason).toMatch(
      /the first is 2003-02-06, the last 2007-11-27\.$/,
    );
    expect(check('P0.gaps', { holidays: known(rows) })).toMatchObject({ state: 'BLKD', observed: '–' });
  });

  test('prices without any holiday fail; nothing at all waits', () => {
    expect(check('P0.holidays', { holidays: known([]) }).state).toBe('FAIL');
    const empty = { rows: 0, duplicates: 0, first: null, last: null, instruments: 0, cells: [] };
    expect(check('P0.holidays', { holidays: known([]), prices: known(empty) }).state).toBe('WAIT');
  });
});

describe('P0.gaps', () => {
  const gaps = valueIn(green.gaps);
  const day = parseDay('2011-03-07');

  test('one trading day without any price is one too many by default', () => {
    const found = check('P0.gaps', { gaps: known({ ...gaps, emptyDays: [day] }) });
    expect(found.state).toBe('PART');
    expect(found.reason).toContain('No instrument has a price on 1 trading day');
    expect(found.reason).toContain('(2011-03-07)');
    const allowed = { ...need, gaps: { ...need.gaps, marketDays: 1 } };
    expect(check('P0.gaps', { gaps: known({ ...gaps, emptyDays: [day] }) }, { need: allowed }).state).toBe('OK');
  });

  test('holes count by length and by the share of instruments', () => {
    const hole = { instrument: 'AAA', from: day, to: day + 20, days: 15 };
    const found = check('P0.gaps', {
      gaps: known({ ...gaps, missing: [{ instrument: 'AAA', days: 15 }], holes: [hole] }),
    });
    expect(found).toMatchObject({ state: 'PART' });
    expect(found.observed).toContain('longest hole AAA 15 days (2011-03-07 → 2011-03-27)');
    expect(found.reason).toBe('1 instrument of 2 has a hole of more than 10 days: AAA 15.');
    const short = { ...hole, days: 10 };
    expect(
      check('P0.gaps', { gaps: known({ ...gaps, missing: [{ instrument: 'AAA', days: 10 }], holes: [short] }) }).state,
    ).toBe('OK');
  });

  test('too many missing instrument days are PART with the names', () => {
    const found = check('P0.gaps', { gaps: known({ ...gaps, missing: [{ instrument: 'BBB', days: 400 }] }) });
    expect(found).toMatchObject({ state: 'PART', reason: '400 instrument days are missing: BBB 400.' });
  });
});

describe('P0.news', () => {
  const days = (first: string, last: string) =>
    Array.from({ length: parseDay(last) - parseDay(first) + 1 }, (_, i) => ({ day: parseDay(first) + i, articles: 1 }));

  test('months from the first year on count, wherever the articles begin', () => {
    expect(check('P0.news', { news: known(days('2013-01-01', '2019-12-31')) }).state).toBe('OK');
    const short = check('P0.news', { news: known(days('2013-01-01', '2016-08-16')) });
    expect(short).toMatchObject({
      state: 'PART',
      reason: '20 months with articles from 2015 on are 1.7 years of the 5 asked for.',
    });
    expect(short.observed).toContain('2013-01-01 → 2016-08-16');
    expect(check('P0.news', { news: known([]) }).state).toBe('WAIT');
  });
});

describe('P1', () => {
  const sleeves = sleeveIds(need);
  const runs = valueIn(green.runs).filter((one) => one.backend === 'basic');
  const basic = (changes: (row: (typeof runs)[number], i: number) => Partial<(typeof runs)[number]> | null) =>
    known(runs.flatMap((row, i) => (changes(row, i) === null ? [] : [{ ...row, ...changes(row, i) }])));

  test('P1.runs: a sleeve without a run is PART, none is WAIT, the fix is the campaign of the plan', () => {
    const two = check('P1.runs', { runs: basic((_, i) => (i === 2 ? null : {})) });
    expect(two).toMatchObject({ state: 'PART', observed: '2 of 3 sleeves' });
    expect(two.reason).toContain(sleeves[2]);
    expect(two.fix).toMatch(
      /^backtest campaign --market-id US_EQ --start 2014-01-02 --end 2014-03-31 --sleeve US_CORE_LONG_EQ_H5:/,
    );
    expect(check('P1.runs', { runs: known([]) })).toMatchObject({ state: 'WAIT' });
  });

  test('P1.runs: without prices over the window nothing can run', () => {
    const extent = { ...valueIn(green.prices), first: parseDay('2014-02-03') };
    expect(check('P1.runs', { runs: known([]), prices: known(extent) })).toMatchObject({
      state: 'BLKD',
      reason: 'The campaign needs prices over 2014-01-02 → 2014-03-31; they span 2014-02-03 → 2024-12-31.',
    });
  });

  test('P1.runs: says what runs did unlike the plan', () => {
    const options = { initial_cash: need.campaign.initialCash, fill: 'next_open', slippage_bps: 5, risk: true };
    expect(check('P1.runs', { runs: basic(() => ({ options })) })).toMatchObject({
      state: 'OK',
      observed: '3 of 3 sleeves · not as the plan: fill next_open, slippage_bps 5',
    });
    const cash = { ...options, initial_cash: 5, fill: 'close', slippage_bps: 0 };
    expect(check('P1.runs', { runs: basic((_, i) => ({ options: i ? {} : cash })) }).observed).toBe(
      '3 of 3 sleeves · not as the plan: initial_cash 5',
    );
  });

  test('P1.equity: flat, NaN, lost days, no days, below zero', () => {
    const figures = valueIn(green.equity);
    const first = (more: Partial<(typeof figures)[number]>) =>
      check('P1.equity', { equity: known(figures.map((one, i) => (i === 0 ? { ...one, ...more } : one))) });
    expect(first({})).toMatchObject({ state: 'OK', observed: '3 curves · 189 days' });
    expect(first({ min: 1e6, max: 1e6 })).toMatchObject({
      state: 'FAIL',
      reason: `${sleeves[0]} is flat at 1,000,000.`,
    });
    expect(first({ bad: 2 })).toMatchObject({
      state: 'FAIL',
      reason: `${sleeves[0]} has 2 values that are no number.`,
    });
    expect(first({ days: 60, rows: 60 }).reason).toBe(`${sleeves[0]} has 60 days, the calendar 63.`);
    expect(first({ days: 63, rows: 64 }).reason).toBe(`${sleeves[0]} has 1 day twice.`);
    expect(first({ min: -5 }).state).toBe('FAIL');
    expect(check('P1.equity', { equity: known(figures.slice(1)) }).reason).toBe(`${sleeves[0]} has no daily equity.`);
  });

  test('P1.trades: each run needs trades and positions', () => {
    const counts = valueIn(green.counts);
    const found = check('P1.trades', {
      counts: known(counts.map((one, i) => (i === 1 ? { ...one, trades: 0, positions: 0 } : one))),
    });
    expect(found).toMatchObject({
      state: 'FAIL',
      reason: `${sleeves[1]} has no trade; ${sleeves[1]} has no position snapshot.`,
    });
  });

  test('P1.pit: none waits; old, of another build or older than the runs is stale; a leak fails', () => {
    const proof = valueIn(green.pointInTime)!;
    const withProof = (more: Partial<typeof proof>, facts: Partial<Facts> = {}) =>
      check('P1.pit', { pointInTime: known({ ...proof, ...more }) }, facts);
    expect(withProof({})).toMatchObject({
      state: 'OK',
      observed: '8 days tried · 0 leaks · 2014-01-02 → 2014-03-31 · 1 day ago',
      at: NOW - DAY_MS,
    });
    expect(check('P1.pit', { pointInTime: known(null) })).toMatchObject({
      state: 'WAIT',
      fix: 'verify point-in-time --market-id US_EQ --start 2014-01-02 --end 2014-03-31',
    });
    expect(withProof({ at: NOW - 4 * DAY_MS })).toMatchObject({
      state: 'STALE',
      reason: 'The baseline was run again after the proof.',
    });
    expect(withProof({ build: 'other' })).toMatchObject({ state: 'STALE' });
    expect(withProof({ build: 'other' }, { build: null })).toMatchObject({ state: 'OK' });
    const old = withProof(
      { at: NOW - 31 * DAY_MS },
      { evidence: { ...green, runs: known([]), pointInTime: known({ ...proof, at: NOW - 31 * DAY_MS }) } },
    );
    expect(old).toMatchObject({ state: 'STALE', reason: 'The proof is older than 30 days.' });
    expect(withProof({ state: 'FAIL', reason: 'equity changed' })).toMatchObject({
      state: 'FAIL',
      reason: 'Equity changed.',
    });
  });

  test('P1.latest: a newer run without metrics fails although an older one is whole', () => {
    const broken = run(sleeves[0], need, { runId: 'broken', complete: false, createdAt: NOW });
    const changes = { runs: known([...runs, broken]) };
    expect(check('P1.runs', changes).state).toBe('OK');
    expect(check('P1.latest', changes)).toMatchObject({
      state: 'FAIL',
      reason: `The newest run of ${sleeves[0]} (broken) has no metrics.`,
    });
  });

  test('P1.latest: runs of different data are no campaign; runs that say nothing are taken as they are', () => {
    expect(check('P1.latest', { runs: basic((_, i) => ({ origin: i === 0 ? 'data 2' : 'data 1' })) }).state).toBe(
      'PART',
    );
    expect(check('P1.latest', { runs: basic(() => ({ origin: null })) }).state).toBe('OK');
  });
});

describe('later phases', () => {
  test('P5: baselines that repeat, a gain above 0 in every sleeve, a decision; each says what is lacking', () => {
    const states = (changes: Partial<Evidence> = {}) =>
      ['P5.stable', 'P5.value', 'P5.decision'].map((id) => check(id, changes).state);
    expect(states()).toEqual(['OK', 'OK', 'OK']);
    expect(states({ repeats: known([]), gains: known([]), decision: known(null) })).toEqual(['WAIT', 'WAIT', 'WAIT']);
    const repeats = valueIn(green.repeats);
    expect(states({ repeats: known(repeats.slice(1)) })[0]).toBe('PART');
    expect(states({ repeats: known(repeats.map((row) => ({ ...row, answers: 2 }))) })[0]).toBe('FAIL');
    // Runs of another system do not say what they traded.
    expect(states({ repeats: known(repeats.map((row) => ({ ...row, runs: 0, answers: 0 }))) })[0]).toBe('WAIT');
    const gains = valueIn(green.gains);
    expect(states({ gains: known(gains.slice(1)) })[1]).toBe('PART');
    const touching = gains.map((row) => ({ ...row, gain: { gain: 0.01, low: 0, high: 0.02 } }));
    expect(states({ gains: known([touching[0], ...gains.slice(1)]) })[1]).toBe('PART');
    expect(check('P5.value', { gains: known(gains.map((row) => ({ ...row, gain: null }))) }).observed).toContain(
      'UNKN',
    );
  });

  test('P4: each joint model without rows names the backfill that makes them', () => {
    const board = deriveBoard(factsWith({ joint: known([]) }));
    const fixes = board.phases
      .flatMap((phase) => phase.checks)
      .filter((one) => /^P4\.(profile|regime|stab|assessment)$/.test(one.id))
      .map((one) => one.fix?.split(' ').slice(0, 4).join(' '));
    expect(fixes).toEqual([
      'backfill joint-profiles --model-id joint-profile-core-v2',
      'backfill joint-regime-context --model-id joint-regime-core-v2',
      'backfill joint-stab-fragility --model-id joint-stab-fragility-v2',
      'backfill joint-assessment-context --model-id joint-assessment-context-v2',
    ]);
  });

  test('P3.lambda: nothing there is WAIT with the command that fills it, states from prices', () => {
    const found = check('P3.lambda', { lambda: known([]) });
    expect(found.state).toBe('WAIT');
    expect(found.fix).toMatch(/^backfill opportunity-density .*--stab compute$/);
    expect(found.reason).toContain('Phase 3 is optional');
  });

  test('P3.forecast: WAIT without a training, PART when a horizon does not beat persistence', () => {
    expect(check('P3.forecast', { forecast: known([]) })).toMatchObject({
      state: 'WAIT',
      fix: 'lambda train --market US_EQ --start 2010-01-01 --end 2024-12-31 --horizon 5 --horizon 21',
    });
    expect(check('P3.forecast', {}).state).toBe('OK');
    const weak = valueIn(green.forecast).map((row) =>
      row.horizon === 21 && row.model === 'har_ridge' ? { ...row, r2: 0.57 } : row,
    );
    const found = check('P3.forecast', { forecast: known(weak) });
    expect(found.state).toBe('PART');
    expect(found.reason).toContain('h=21');
    expect(found.reason).not.toContain('h=5');
    // The newest training is of another horizon only, or its λ̂ comes from other inputs.
    const rows = valueIn(green.forecast);
    const other = rows.filter((row) => row.horizon === 21).map((row) => ({ ...row, horizon: 63 }));
    expect(check('P3.forecast', { forecast: known(other) })).toMatchObject({
      state: 'PART',
      reason: 'The newest training of λ̂ has none for h=5, h=21.',
    });
    const vectors = rows
      .filter((row) => row.model === 'har_ridge')
      .map((row) => ({ ...row, model: 'har_vectors', r2: 0.1 }));
    expect(check('P3.forecast', { forecast: known([...vectors, ...rows]) })).toMatchObject({ state: 'PART' });
  });

  test('P3.runs: a run with λ̂ counts for Phase 3 and not as the baseline', () => {
    const plain = valueIn(green.runs).filter((run) => run.backend !== 'basic+lambda');
    expect(check('P3.runs', { runs: known(plain) })).toMatchObject({ state: 'WAIT' });
    expect(check('P3.runs', { runs: known(plain) }).fix).toContain('--lambda-table console.lambda_predictions');
    expect(check('P3.runs', { runs: known(plain), forecast: known([]) }).state).toBe('BLKD');
    const only = valueIn(green.runs).filter((run) => run.backend === 'basic+lambda');
    expect(check('P1.runs', { runs: known(only) }).state).toBe('WAIT');
    const idle = valueIn(green.runs).map((run) =>
      run.backend === 'basic+lambda' ? { ...run, backend: 'basic+lambda-unmatched' } : run,
    );
    const unmatched = check('P3.runs', { runs: known(idle) });
    expect(unmatched.state).toBe('WAIT');
    expect(unmatched.reason).toContain('reached none of its instruments');
  });

  test('no text vectors: WAIT with the command that makes them, which is one of the phase', () => {
    const fix =
      'backfill text-embeddings --model-id text-fin-general-v1 --start 2014-12-25 --end 2024-12-31 --market US_EQ --skip-existing';
    expect(check('P4.text', { text: known([]) })).toMatchObject({ state: 'WAIT', fix });
    const board = deriveBoard(factsWith({ text: known([]) }));
    expect(board.phases[4].commands.map(({ argv }) => argv.join(' '))).toContain(fix);
  });

  test('nothing there of Phase 2: WAIT with the command of the plan', () => {
    const none = new Map([...valueIn(green.numericDays)].map(([model, all]) => [model, lacking(all, () => true)]));
    for (const model of ['regime', 'stab', 'profile', 'scenario', 'portfolio']) {
      expect(check(`P2.${model}`, { numericDays: known(none) })).toMatchObject({
        ...{ state: 'WAIT', reason: `num-${model}-core-v1 has no rows yet.` },
        fix: 'backfill numeric-embeddings --start-date 2010-01-01 --end-date 2024-12-31 --window-days 63 --market US_EQ --skip-existing',
      });
    }
  });

  test('P2.verified: each way in which a proof does not hold', () => {
    const proof = valueIn(green.numericProof)!;
    const judged = (changes: Partial<typeof proof> | null) =>
      check('P2.verified', { numericProof: known(changes && { ...proof, ...changes }) });
    expect(judged({})).toMatchObject({ state: 'OK', reason: '' });
    expect(judged(null)).toMatchObject({
      state: 'WAIT',
      fix: 'verify numeric-embeddings --start-date 2010-01-01 --end-date 2024-12-31 --window-days 63 --market US_EQ --min-share 0.99',
    });
    const seen = (changes: object) => judged({ observed: { ...proof.observed, ...changes } });
    const models = proof.observed!.models as object[];
    const withFirst = (changes: object) => [{ ...models[0], ...changes }, ...models.slice(1)];
    expect(seen({ models: withFirst({ state: 'PART', reason: 'two are missing' }) })).toMatchObject({
      state: 'PART',
      reason: 'Two are missing.',
    });
    const wrong = { models: withFirst({ state: 'FAIL', reason: 'one is wrong' }) };
    expect(seen(wrong)).toMatchObject({ state: 'FAIL', reason: 'One is wrong.' });
    // What is wrong is wrong, however little was looked at; what other models lack is no matter of the plan.
    expect(seen({ ...wrong, limit: 1, sample: 1 })).toMatchObject({ state: 'FAIL' });
    expect(seen({ models: [...models, { model_id: 'num-stab-core-v2', state: 'FAIL', reason: 'x' }] }).state).toBe(
      'OK',
    );
    const uncounted: [object, RegExp][] = [
      [{ models: [] }, /^The newest proof does not count: it does not cover num-regime-core-v1\.$/],
      [{ end: '2020-12-31' }, /it covers 2010-01-01 → 2020-12-31 only/],
      [{ market: 'DE_EQ' }, /it is of market DE_EQ/],
      [{ limit: 1 }, /it looked at the first 1 instruments only/],
      [{ limit: undefined }, /it looked at some instruments only/],
      [{ models: withFirst({ window_days: 21 }) }, /of other windows than 63 days/],
      [{ min_share: 0.01 }, /it asked for 1.00 % of the vectors only/],
      [{ sample: 1 }, /it looked at the values of 1 vectors a model only/],
      [{ recompute: 1 }, /it computed 1 vectors a model again only/],
    ];
    for (const [changes, reason] of uncounted) {
      expect(seen(changes)).toMatchObject({ state: 'WAIT', reason: expect.stringMatching(reason) });
    }
    // What the proposed command asks for by itself.
    expect(numericEmbeddingsSpec.args.parse({ startDate: '2010-01-01', endDate: '2024-12-31' })).toMatchObject({
      ...{ sample: PROOF_SAMPLE, recompute: PROOF_RECOMPUTED, market: need.market },
    });
    expect(judged({ build: 'other' })).toMatchObject({ state: 'STALE' });
    expect(judged({ at: NOW - 31 * DAY_MS })).toMatchObject({ state: 'STALE' });
  });

  test('P2.verified: a proof is STALE when vectors or prices changed after it, not when others did', () => {
    const found = (changes: Partial<Evidence>) => check('P2.verified', changes);
    const numeric = valueIn(green.numeric);
    const first = numeric.find(({ year }) => year === 2010)!;
    const fewer = numeric.map((cell) => (cell === first ? { ...cell, rows: cell.rows - 1 } : cell));
    expect(found({ numeric: known(fewer) })).toMatchObject({
      state: 'STALE',
      reason: expect.stringMatching(/^num-regime-core-v1 has [\d,]+ rows in 2010, [\d,]+ when it was verified\.$/),
    });
    // A roll-up that is older than the proof tells nothing of what came after.
    expect(found({ numeric: known(fewer, NOW - 2 * DAY_MS) }).state).toBe('OK');
    expect(found({ numeric: known([...numeric, { ...first, model: 'num-stab-core-v2' }]) }).state).toBe('OK');
    expect(found({ numericWrite: known('2025-06-02T01:02:03.000001Z') })).toMatchObject({
      state: 'STALE',
      reason: 'A backfill wrote these vectors after the proof (2025-06-02 01:02 UTC).',
    });
    const prices = valueIn(green.prices);
    const cells = prices.cells.map((cell) => (cell.year === 2012 ? { ...cell, days: cell.days - 1 } : cell));
    expect(found({ prices: known({ ...prices, cells }) })).toMatchObject({
      state: 'STALE',
      reason: expect.stringMatching(/^Prices of 2012 changed: /),
    });
    const later = { ...prices.cells[0], year: 2025, days: 9 };
    expect(found({ prices: known({ ...prices, cells: [...prices.cells, later] }) }).state).toBe('OK');
  });

  test('commands are proposed exactly when the command list has them', () => {
    const names = new Set(COMMANDS.map((command) => command.name));
    for (const [name, command] of Object.entries(LATER_COMMANDS))
      expect([name, command.available]).toEqual([name, names.has(name)]);
  });

  test('a model that covers part is PART; no surplus hides what is missing', () => {
    const model = need.numeric.models[0];
    const all = valueIn(green.numericDays).get(model)!;
    const of2020 = (day: number) => yearOf(day) === 2020;
    const lost = all.days.reduce((sum, day, k) => sum + (of2020(day) ? all.present[k] : 0), 0);
    // As many rows on days on which none is due, of the same year.
    const some = lacking(all, of2020);
    const beside = { ...some, surplus: some.days.map((day) => (day === parseDay('2020-06-15') ? lost : 0)) };
    const part = check('P2.regime', { numericDays: known(new Map([...valueIn(green.numericDays), [model, beside]])) });
    expect(part).toMatchObject({ state: 'PART', reason: expect.stringContaining('the emptiest year is 2020 (0 %)') });
    expect(part.observed).toContain(` · ${lost} missing · ${lost} on days on which none is due`);
    const board = deriveBoard(
      factsWith({ numericDays: known(new Map([...valueIn(green.numericDays), [model, beside]])) }),
    );
    expect(board.coverage.rows.find(({ name }) => name === model)!.byYear[2020]).toBe(0);
    const few = { ...all, surplus: all.days.map((_, k) => (k === 3990 ? 3 : 0)) };
    expect(
      check('P2.regime', { numericDays: known(new Map([...valueIn(green.numericDays), [model, few]])) }),
    ).toMatchObject({
      ...{ state: 'OK', observed: expect.stringContaining('(100 %) · 3 on days on which none is due') },
    });
  });

  test('rows of no day on which one is due are not none', () => {
    const model = need.numeric.models[0];
    const all = valueIn(green.numericDays).get(model)!;
    const beside = { ...lacking(all, () => true), surplus: all.days.map((_, k) => (k < 4000 && k >= 3990 ? 2 : 0)) };
    const judged = (vectors: VectorDays) =>
      check('P2.regime', { numericDays: known(new Map([...valueIn(green.numericDays), [model, vectors]])) });
    const found = judged(beside);
    expect(found.state).toBe('WAIT');
    expect(found.reason).toBe(
      `${model} has no vector of a day on which one is due yet, only 20 on days on which none is due.`,
    );
    expect(found.observed).toMatch(/^0 of [\d,]+ vectors · 20 on days on which none is due$/);
    // Without prices nothing is due, and nothing says how many there should be.
    expect(judged({ ...beside, missing: all.days.map(() => 0) }).state).toBe('BLKD');
  });

  test('every fix that a check names is a command of this version or a script', () => {
    const names = COMMANDS.map((command) => command.name);
    const worst = deriveBoard(
      factsWith(Object.fromEntries(Object.keys(green).map((key) => [key, unknown('lost', null)])) as Partial<Evidence>),
    );
    const empty = deriveBoard(
      factsWith({
        tests: known(null),
        holidays: known([]),
        prices: known({ rows: 0, duplicates: 0, first: null, last: null, instruments: 0, cells: [] }),
        gaps: known({
          calendar: new TradingDays(0, 10, []),
          emptyDays: [],
          closedDayRows: new Map(),
          missing: [],
          missed: new Map(),
          expected: 0,
          holes: [],
        }),
        news: known([]),
        runs: known([]),
        pointInTime: known(null),
      }),
    );
    for (const board of [worst, empty]) {
      const fixes = board.phases.flatMap((phase) => phase.checks.map((one) => one.fix)).filter((fix) => fix !== null);
      for (const fix of fixes) expect(fix === 'bin/test' || names.some((name) => fix.startsWith(name))).toBe(true);
      for (const phase of board.phases) {
        for (const { argv } of phase.commands) expect(names.some((name) => argv.join(' ').startsWith(name))).toBe(true);
      }
    }
  });
});

describe('coverage', () => {
  const row = (name: string, changes: Partial<Evidence> = {}) =>
    deriveBoard(factsWith(changes)).coverage.rows.find((one) => one.name === name)!;

  test('is complete where everything is there, and blank where nothing is expected', () => {
    const prices = row('prices_daily');
    expect(prices.share).toBe(1);
    expect(Object.keys(prices.byYear)).toEqual(Array.from({ length: 28 }, (_, i) => String(1997 + i)));
    const model = row('num-stab-core-v1');
    expect(model.share).toBe(1);
    expect(model.byYear['2010']).toBe(1);
    expect(row('joint-regime-core-v2').byYear['2010']).toBeNull();
  });

  test('years without prices are zero, not blank: they are asked for', () => {
    const extent = valueIn(green.prices);
    const cells = extent.cells.filter((cell) => cell.year >= 2010);
    const first = Math.min(...cells.map((cell) => cell.first));
    const prices = row('prices_daily', { prices: known({ ...extent, cells, first }) });
    expect(prices.byYear['2005']).toBe(0);
    expect(prices.byYear['2015']).toBe(1);
    expect(prices.share).toBeCloseTo(15 / 28, 2);
  });

  test('rows on closed days are no coverage', () => {
    const gaps = valueIn(green.gaps);
    const year = 2012;
    const extent = valueIn(green.prices);
    // Ten of AAA's days of the year stand on closed days: that many trading days are missing.
    const found = row('prices_daily', { gaps: known({ ...gaps, closedDayRows: new Map([[`AAA|${year}`, 10]]) }) });
    const due = extent.cells.filter((cell) => cell.year === year).reduce((sum, cell) => sum + cell.days, 0);
    expect(found.byYear[String(year)]).toBeCloseTo(1 - 10 / due, 12);
  });
});
