/** Evidence of a home where every check is green, to be made worse by a test. */
import { TradingDays, yearEnd, yearStart } from '../../src/phases/calendar.ts';
import { sleeveIds } from '../../src/phases/campaign.ts';
import type { Facts } from '../../src/phases/check.ts';
import { contextWindow } from '../../src/phases/checks/p4-plan.ts';
import { loadPhaseConfig, type Requirements, requirementsOf } from '../../src/phases/config.ts';
import type { Evidence, NewsDay, PriceCell, RunRow, VectorCell } from '../../src/phases/evidence.ts';
import { daysByYear as vectorsByYear } from '../../src/phases/expectations.ts';
import type { Known, Probe, Unknown } from '../../src/phases/probes.ts';
import { dueDays, vectorsAgainst } from '../../src/phases/vector-days.ts';
import { parseDay } from '../../src/platform/dates.ts';
import { homeAt } from '../../src/platform/home.ts';

export const NOW = Date.parse('2025-06-02T12:00:00Z');
export const BUILD = 'abc123';
export const DAY_MS = 86_400_000;

/** The shipped thresholds for an ordinary home. */
export const shippedNeed = (demo = false): Requirements =>
  requirementsOf(loadPhaseConfig(homeAt('/nowhere', { demo }), { XDG_CONFIG_HOME: '/nowhere' }), demo);

export const known = <T>(value: T, at = NOW): Known<T> => ({ known: true, value, at, costMs: 1, source: 'test' });
export const unknown = (cause: string, fix: string | null = null): Unknown => ({
  known: false,
  cause,
  brief: cause,
  fix,
  at: NOW,
  costMs: 1,
  source: 'test',
});

/** A holiday on the first of January of every year, 1996–2025: the table vouches for every day. */
export const HOLIDAYS = Array.from({ length: 30 }, (_, i) => yearStart(1996 + i));

/** Two instruments with a price on every trading day of the required range. */
export function fullPrices(need: Requirements): {
  cells: PriceCell[];
  calendar: TradingDays;
  first: number;
  last: number;
} {
  const [start, end] = [parseDay(need.prices.start), parseDay(need.prices.end)];
  const calendar = new TradingDays(start, end, HOLIDAYS);
  const first = calendar.days[0];
  const last = calendar.days[calendar.days.length - 1];
  const cells: PriceCell[] = [];
  for (const instrument of ['AAA', 'BBB']) {
    for (let year = Number(need.prices.start.slice(0, 4)); year <= Number(need.prices.end.slice(0, 4)); year++) {
      const days = calendar.between(yearStart(year), yearEnd(year));
      cells.push({ instrument, year, days: days.length, first: days[0], last: days[days.length - 1] });
    }
  }
  return { cells, calendar, first, last };
}

function sumByYear(entries: readonly { year: number; n: number }[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { year, n } of entries) sums[year] = (sums[year] ?? 0) + n;
  return sums;
}

export function run(sleeveId: string, need: Requirements, more: Partial<RunRow> = {}): RunRow {
  return {
    runId: `run-${sleeveId}`,
    sleeveId,
    portfolioId: `${sleeveId}_PORTFOLIO`,
    backend: 'basic',
    start: parseDay(need.campaign.start),
    end: parseDay(need.campaign.end),
    createdAt: NOW - 3 * DAY_MS,
    complete: true,
    origin: 'data 1',
    options: {},
    ...more,
  };
}

const cells = (model: string, byYear: ReadonlyMap<number, number>): VectorCell[] =>
  [...byYear].map(([year, vectors]) => ({
    model,
    year,
    vectors,
    rows: vectors,
    first: yearStart(year),
    last: yearEnd(year),
  }));

const contextWindowOf = (need: Requirements) => {
  const { start, end } = contextWindow(need);
  return { start: parseDay(start), end: parseDay(end) };
};

/** Every vector that is due. */
function allVectors(
  prices: Parameters<typeof dueDays>[0],
  gaps: Parameters<typeof dueDays>[1],
  instruments: string[],
  windowDays: number,
) {
  const due = dueDays(prices, gaps, instruments, new Map(), windowDays);
  const there = Array.from(due.days, (day, t) => ({ day, bits: due.due.subarray(t * due.width, (t + 1) * due.width) }));
  return vectorsAgainst(due, there);
}

/** Everything there, everything fresh. */
export function greenEvidence(need: Requirements): Evidence {
  const { cells: priceCells, calendar, first, last } = fullPrices(need);
  const rows = priceCells.reduce((sum, cell) => sum + cell.days, 0);
  const sleeves = sleeveIds(need);
  const runs = sleeves.flatMap((sleeve) => [
    run(sleeve, need),
    run(sleeve, need, { runId: `context-${sleeve}`, backend: 'context' }),
    run(sleeve, need, { runId: `lambda-${sleeve}`, backend: 'basic+lambda' }),
  ]);
  const windowDays = new TradingDays(parseDay(need.campaign.start), parseDay(need.campaign.end), HOLIDAYS).days.length;
  const news: NewsDay[] = Array.from({ length: yearEnd(2024) - yearStart(2015) + 1 }, (_, i) => ({
    day: yearStart(2015) + i,
    articles: 2,
  }));
  const newsByYear = new Map<number, number>();
  const daysByYear = new Map<number, number>();
  for (let year = 2015; year <= 2024; year++) {
    newsByYear.set(year, 2 * (yearEnd(year) - yearStart(year) + 1));
    daysByYear.set(year, calendar.count(yearStart(year), yearEnd(year)));
  }
  const instruments = [...new Set(priceCells.map((cell) => cell.instrument))];
  const gaps = {
    ...{ calendar, emptyDays: [], closedDayRows: new Map(), missing: [], missed: new Map(), expected: rows, holes: [] },
  };
  const vectors = allVectors({ cells: priceCells, last }, gaps, instruments, need.numeric.windowDays);
  const due = vectorsByYear(vectors, vectors.present, parseDay(need.numeric.start), parseDay(need.numeric.end));
  const numeric = need.numeric.models.map((model) => [model, cells(model, due)] as const);
  return {
    tests: known({
      passed: 900,
      failed: 0,
      skipped: 1,
      build: BUILD,
      sha: null,
      dirty: null,
      finishedAt: NOW - DAY_MS,
    }),
    suite: null,
    suiteRun: known(null),
    historicalSchema: known({ missingTables: [], pending: [], applied: 3, adopted: false, swapped: false }),
    instruments: known(instruments),
    runtimeSchema: known({ missingTables: [], pending: [], applied: 9, adopted: false, swapped: false }),
    holidays: known(HOLIDAYS),
    prices: known({ rows, duplicates: 0, first, last, instruments: 2, cells: priceCells }),
    gaps: known(gaps),
    news: known(news),
    numeric: known(numeric.flatMap(([, cells]) => cells)),
    numericDays: known(new Map(need.numeric.models.map((model) => [model, vectors]))),
    numericWrite: known(null),
    contextWrite: known(null),
    contextParts: known([]),
    textModel: known(true),
    text: known(cells(need.context.textModel, newsByYear)),
    joint: known(need.context.jointModels.flatMap((model) => cells(model, daysByYear))),
    runs: known(runs),
    equity: known(
      sleeves.map((sleeve) => ({
        runId: `run-${sleeve}`,
        days: windowDays,
        rows: windowDays,
        first: parseDay(need.campaign.start),
        last: parseDay(need.campaign.end),
        bad: 0,
        min: 970_000,
        max: 1_040_000,
      })),
    ),
    counts: known(sleeves.map((sleeve) => ({ runId: `run-${sleeve}`, trades: 1159, positions: 60 }))),
    pointInTime: known({
      checkId: 'P1.pit',
      state: 'OK',
      observed: { days_tried: 8, leaks: 0, start: need.campaign.start, end: need.campaign.end },
      reason: '',
      build: BUILD,
      at: NOW - DAY_MS,
    }),
    contextRuns: known(
      sleeves.flatMap((sleeve) => [
        run(sleeve, need, contextWindowOf(need)),
        run(sleeve, need, { ...contextWindowOf(need), runId: `context-${sleeve}`, backend: 'context' }),
      ]),
    ),
    pairs: known(
      sleeves.map((sleeveId) => ({
        ...{ sleeveId, basic: `run-${sleeveId}`, context: `context-${sleeveId}` },
        createdAt: NOW - 3 * DAY_MS,
      })),
    ),
    comparison: known({
      checkId: 'P4.comparison',
      state: 'OK',
      observed: {
        verdict: 'No evidence that context differs from basic in any of 3 sleeves.',
        pairs: sleeves.map((sleeve) => ({
          run_ids: [`run-${sleeve}`, `context-${sleeve}`],
          context_model: 'joint-assessment-context-v2',
          assessment_model: 'assessment-context-v2',
          context_coverage: 1,
          context_branches: { profile: 1, regime: 1, stab: 1, text: 1 },
        })),
      },
      reason: '',
      build: BUILD,
      at: NOW - DAY_MS,
    }),
    numericProof: known({
      checkId: 'P2.verified',
      state: 'OK',
      observed: {
        ...{ start: need.numeric.start, end: need.numeric.end, expected: 1000, present: 1000, recomputed: 200 },
        ...{ market: need.market, limit: null, min_share: need.numeric.minShare, sample: 20_000, recompute: 200 },
        ...{ written_at: null, price_days_by_year: sumByYear(priceCells.map(({ year, days }) => ({ year, n: days }))) },
        models: numeric.map(([model_id, cells]) => ({
          ...{ model_id, window_days: need.numeric.windowDays, state: 'OK', reason: '' },
          rows_by_year: sumByYear(cells.map(({ year, rows: n }) => ({ year, n }))),
        })),
      },
      reason: '',
      build: BUILD,
      at: NOW - DAY_MS,
    }),
    lambda: known(cells('lambda', daysByYear)),
    forecast: known(
      [5, 21].flatMap((horizon) => [
        { horizon, model: 'har_ridge', r2: 0.6, at: NOW - DAY_MS, start: '2012-04-02', end: '2024-12-31' },
        {
          horizon,
          model: 'persistence_lambda_fitted',
          r2: 0.46,
          at: NOW - DAY_MS,
          start: '2012-04-02',
          end: '2024-12-31',
        },
        {
          horizon,
          model: 'persistence_dispersion_21_fitted',
          r2: 0.5,
          at: NOW - DAY_MS,
          start: '2012-04-02',
          end: '2024-12-31',
        },
      ]),
    ),
    repeats: known(sleeves.map((sleeveId) => ({ sleeveId, runs: 2, answers: 1 }))),
    gains: known(
      sleeves.map((sleeveId) => ({
        ...{ sleeveId, backend: 'basic+lambda', days: 252, at: NOW - DAY_MS },
        ...{ start: '2015-01-02', end: '2015-12-31', options: {}, unlike: [], outdated: false },
        gain: { gain: 0.02, low: 0.01, high: 0.03 },
      })),
    ),
    decision: known({
      decision: 'stay',
      reason: '2005–2024 is enough',
      override: null,
      who: 'operator',
      at: NOW - DAY_MS,
    }),
    notes: known([]),
    skips: known([]),
  };
}

/** The green facts with some evidence replaced. */
export function factsWith(changes: Partial<Evidence> = {}, more: Partial<Facts> = {}): Facts {
  const need = more.need ?? shippedNeed();
  return { evidence: { ...greenEvidence(need), ...changes }, need, now: NOW, build: BUILD, ...more };
}

/** The value of a look that is known. */
export function valueIn<T>(probe: Probe<T>): T {
  if (!probe.known) throw new Error(`unknown: ${probe.cause}`);
  return probe.value;
}
