/** Rows of λ in the runtime database, and the states that clusters are made of. */
import { formatDay } from '../../src/platform/dates.ts';
import { copyInto, copyOut, sqlLiteral } from '../../src/platform/db/copy.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import type { Instrument } from '../market/panel.ts';
import { SOFT_TARGET_CLASSES } from '../stability/model.ts';
import type { LambdaPanel } from './model.ts';

/** Where the classes of the clusters come from: the table, or prices. */
type StateSource = 'table' | 'compute';

/**
 * Classes that `soft_target_classes` holds for these instruments and days: D × N, day-major, −1 where it has none. Of
 * several rows for an instrument and a day (other systems repeat them) the newest counts, so that each instrument counts
 * once; the worse class among rows of the same instant.
 */
export async function readClasses(
  runtime: Database,
  instruments: readonly Instrument[],
  days: Int32Array,
): Promise<Int8Array> {
  const n = instruments.length;
  const classCode = new Int8Array(days.length * n).fill(-1);
  const written = new Float64Array(days.length * n).fill(Number.NEGATIVE_INFINITY);
  const indexOf = new Map(instruments.map((instrument, i) => [instrument.id, i]));
  const dayIndex = new Map(Array.from(days, (day, d) => [day, d]));
  const codeOf = new Map<string, number>(SOFT_TARGET_CLASSES.map((name, code) => [name, code]));
  const range = `as_of_date::date BETWEEN ${sqlLiteral(formatDay(days[0]))} AND ${sqlLiteral(formatDay(days[days.length - 1]))}`;
  await runtime.client((client) =>
    copyOut(
      client,
      `SELECT entity_id::text, as_of_date::date, soft_target_class::text, created_at::timestamptz FROM soft_target_classes
        WHERE entity_type = 'INSTRUMENT' AND ${range}`,
      (row) => {
        const i = indexOf.get(row.text()!);
        const d = dayIndex.get(row.date());
        const code = codeOf.get(row.text()!);
        const at = row.timestamp();
        if (i === undefined || d === undefined || code === undefined) return;
        const cell = d * n + i;
        if (at < written[cell] || (at === written[cell] && code <= classCode[cell])) return;
        written[cell] = at;
        classCode[cell] = code;
      },
    ),
  );
  return classCode;
}

export interface DensityToWrite {
  readonly runId: string;
  readonly marketId: string;
  /** Day numbers of the D days. */
  readonly days: Int32Array;
  readonly lookback: number;
  readonly minClusterSize: number;
  readonly stateSource: StateSource;
  readonly panel: LambdaPanel;
  /** Hears of each batch sent, with its rows. */
  readonly onBatch: (rows: number) => void;
  /** Runs last inside the transaction: what it throws leaves the table as it was. */
  readonly beforeCommit: () => void;
}

/** Rows sent between two looks at the connection. */
const BATCH_ROWS = 1024;

/** Replaces λ of a market, range of days and parameters, in one transaction; returns rows by table. */
export async function replaceDensity(runtime: Database, density: DensityToWrite): Promise<Record<string, number>> {
  const { panel, days, marketId, lookback, minClusterSize } = density;
  return runtime.transaction(async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`prometheus lambda ${marketId}`]);
    await client.query(
      `DELETE FROM console.opportunity_density
        WHERE market_id = $1 AND lookback_days = $2 AND min_cluster_size = $3 AND as_of_date BETWEEN $4 AND $5`,
      [marketId, lookback, minClusterSize, formatDay(days[0]), formatDay(days[days.length - 1])],
    );
    const columns = [
      'market_id',
      'lookback_days',
      'min_cluster_size',
      'as_of_date',
      'sector',
      'soft_target_class',
      'num_instruments',
      'dispersion',
      'avg_vol_window',
      'lambda_value',
      'stab_source',
      'run_id',
    ];
    const rows = await copyInto(client, 'console.opportunity_density', columns, async (writer) => {
      for (let k = 0; k < panel.day.length; k++) {
        const cluster = panel.clusters[panel.cluster[k]];
        writer.row(12);
        writer.text(marketId);
        writer.int32(lookback);
        writer.int32(minClusterSize);
        writer.date(days[panel.day[k]]);
        writer.text(cluster.sector);
        writer.text(cluster.softTargetClass);
        writer.int32(panel.size[k]);
        writer.float64(panel.dispersion[k]);
        writer.float64(panel.averageVol[k]);
        writer.float64(panel.lambda[k]);
        writer.text(density.stateSource);
        writer.text(density.runId);
        if ((k + 1) % BATCH_ROWS === 0 || k === panel.day.length - 1) {
          await writer.flushed();
          density.onBatch((k % BATCH_ROWS) + 1);
        }
      }
    });
    density.beforeCommit();
    return { 'console.opportunity_density': rows };
  });
}
