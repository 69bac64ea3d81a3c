/** The self-check: does this installation store, read and compute what it should? Everything it writes is rolled back. */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import { copyInto, copyOut } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import type { Provenance } from '../../src/platform/provenance.ts';
import { computeFeatures } from '../backtest/features.ts';
import { performance } from '../backtest/metrics.ts';
import { type CampaignOptions, runConfig, runMetrics } from '../backtest/record.ts';
import { type SleeveResult, simulateSleeve } from '../backtest/simulate.ts';
import type { Sleeve } from '../backtest/sleeves.ts';
import { writeRun } from '../backtest/storage.ts';
import { REFERENCE_BROKER } from '../execution/model.ts';
import { columnOf, makeColumn, type Panel } from '../market/panel.ts';
import type { LoadedPanel } from '../market/storage.ts';
import { SAMPLE_CAMPAIGN_DAYS, SAMPLE_FIGURES, SAMPLE_MARKET, samplePanel } from './sample.ts';

/** Figures may differ by so much, relatively: the tolerance of metrics and scores against the reference. */
const TOLERANCE = 1e-9;
const CASH = 1_000_000;
const HORIZON = 21;

const SLEEVE: Sleeve = {
  sleeveId: 'SELF_CHECK',
  strategyId: 'SELF_CHECK',
  marketId: SAMPLE_MARKET,
  universeId: 'SELF_CHECK_UNIVERSE',
  portfolioId: 'SELF_CHECK_PORTFOLIO',
  assessmentId: 'SELF_CHECK_ASSESS',
  horizonDays: HORIZON,
};

/** Ends a transaction that did what it should; the caller rolls it back. */
class RolledBack extends Error {}

/** Runs `work` in a transaction that never commits. */
async function rolledBack<T>(database: Database, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  let result: { value: T } | null = null;
  try {
    await database.transaction(async (client) => {
      result = { value: await work(client) };
      throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  return result!.value;
}

/**
 * Writes the sample's prices with COPY and reads them back, inside a transaction that is rolled back.
 * Returns the panel as it was read. @throws Error naming the first value that came back another one.
 */
export async function roundTrip(historical: Database): Promise<Panel> {
  const sample = samplePanel();
  const days = sample.calendar.days.length;
  const [close, volume] = [columnOf(sample, 'close'), columnOf(sample, 'volume')];
  return rolledBack(historical, async (client) => {
    const columns = [
      'instrument_id',
      'trade_date',
      'open',
      'high',
      'low',
      'close',
      'adjusted_close',
      'volume',
      'currency',
    ];
    await copyInto(client, 'prices_daily', columns, async (writer) => {
      for (let at = 0; at < close.length; at++) {
        writer.row(columns.length);
        writer.text(sample.instruments[Math.floor(at / days)].id);
        writer.date(sample.calendar.days[at % days]);
        for (let k = 0; k < 5; k++) writer.float64(close[at]);
        writer.float64(volume[at]);
        writer.text('USD');
        await writer.flushed();
      }
    });
    const read = { close: makeColumn(close.length), volume: makeColumn(close.length) };
    let at = 0;
    await copyOut(
      client,
      `SELECT instrument_id::text, trade_date::date, close::float8, volume::float8 FROM prices_daily WHERE instrument_id LIKE 'SELF\\_CHECK\\_%'
        ORDER BY instrument_id COLLATE "C", trade_date`,
      (row) => {
        const cell = at++;
        const key = `${row.text()} ${formatDay(row.date())}`;
        const expected = `${sample.instruments[Math.floor(cell / days)]?.id} ${formatDay(sample.calendar.days[cell % days])}`;
        read.close[cell] = row.float64();
        read.volume[cell] = row.float64();
        if (key !== expected || read.close[cell] !== close[cell] || read.volume[cell] !== volume[cell]) {
          throw new Error(`the row of ${expected} came back as ${key}, ${read.close[cell]}, ${read.volume[cell]}`);
        }
      },
    );
    if (at !== close.length) throw new Error(`${close.length} rows were written, ${at} came back`);
    return { ...sample, columns: read };
  });
}

/** The five-day campaign on the sample, against the stored figures. @throws Error naming the first that differs. */
export function simulateSample(panel: Panel): {
  result: SleeveResult;
  loaded: LoadedPanel;
  features: ReturnType<typeof computeFeatures>;
} {
  const first = panel.calendar.days.length - SAMPLE_CAMPAIGN_DAYS;
  const features = computeFeatures(panel, {
    first,
    count: SAMPLE_CAMPAIGN_DAYS,
    transitionHistory: 0,
    horizons: [HORIZON],
    priceField: 'close',
    withOpen: false,
  });
  const result = simulateSleeve(features, {
    horizonDays: HORIZON,
    initialCash: CASH,
    broker: REFERENCE_BROKER,
    risk: true,
    snapshotDays: [],
    keepStages: false,
  });
  const expected = SAMPLE_FIGURES;
  const figures: [string, number, number][] = [
    ...expected.equity.map((value, d): [string, number, number] => [`equity of day ${d + 1}`, result.equity[d], value]),
    ['size of the universe', result.universeSize[SAMPLE_CAMPAIGN_DAYS - 1], expected.universe],
    ['number of fills', result.fills.day.length, expected.fills],
    ['largest drawdown', performance(result.equity).max_drawdown, expected.maxDrawdown],
  ];
  for (const [name, got, due] of figures) {
    if (!(Math.abs(got - due) <= TOLERANCE * Math.max(1, Math.abs(due))))
      throw new Error(`${name} is ${got}, not ${due}`);
  }
  return { result, features, loaded: { ...panel, first, count: SAMPLE_CAMPAIGN_DAYS, fromCache: false } };
}

/**
 * Records the sample's run in the runtime database as a campaign does, reads it back, and rolls everything back.
 * Returns rows by table. @throws Error naming what came back another.
 */
export async function recordSample(
  runtime: Database,
  runId: string,
  { result, loaded, features }: ReturnType<typeof simulateSample>,
  provenance: Provenance,
): Promise<Record<string, number>> {
  const days = loaded.calendar.days;
  const options: CampaignOptions = {
    marketId: SAMPLE_MARKET,
    start: days[loaded.first],
    end: days[days.length - 1],
    sleeves: [SLEEVE],
    initialCash: CASH,
    maxWorkers: 1,
    risk: true,
    broker: REFERENCE_BROKER,
    priceField: 'close',
    transitionHistory: null,
    persist: 'standard',
    lambda: null,
    regimeAlpha: 0,
    context: null,
    universeDates: null,
    allowInSample: false,
  };
  return rolledBack(runtime, async (client) => {
    // The writer opens its transaction itself; here it writes inside ours, which is rolled back.
    const within: Database = { ...runtime, transaction: (work) => work(client), client: (work) => work(client) };
    const rows = await writeRun(within, {
      runId,
      sleeve: SLEEVE,
      config: runConfig(SLEEVE, options, loaded, {
        campaignId: runId,
        provenance,
        demo: false,
        lambda: null,
        regime: null,
        context: null,
        dates: null,
      }),
      metrics: runMetrics(result, loaded, options, {}),
      panel: loaded,
      features,
      result,
      initialCash: CASH,
      risk: true,
      full: false,
      ownsStates: true,
    });
    const equity: number[] = [];
    await copyOut(
      client,
      `SELECT equity_curve_value::float8 FROM backtest_daily_equity WHERE run_id = '${runId}' ORDER BY date`,
      (row) => {
        equity.push(row.float64());
      },
    );
    if (equity.length !== result.equity.length || equity.some((value, d) => value !== result.equity[d])) {
      throw new Error(`the equity curve came back as ${equity.join(', ')}`);
    }
    return rows;
  });
}
