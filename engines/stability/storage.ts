/** Rows of `stability_vectors` and `soft_target_classes`: day-owned, the newest run replaces what stood there. */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import { type CopyWriter, copyInto } from '../../src/platform/db/copy.ts';
import { keyId } from '../../src/platform/ids.ts';
import type { Instrument } from '../market/panel.ts';
import {
  drawdownScore,
  SOFT_TARGET_CLASSES,
  STABILITY_WINDOW,
  type StabilityPanel,
  trendScore,
  volatilityScore,
} from './model.ts';

export interface StatesToWrite {
  /** Owner named in `metadata.run_id`. */
  readonly runId: string;
  readonly instruments: readonly Instrument[];
  /** Day numbers of the D days. */
  readonly days: Int32Array;
  /** D × N, day-major. */
  readonly stability: StabilityPanel;
  /** Write `stability_vectors` beside `soft_target_classes`. */
  readonly vectors: boolean;
}

/** Rows between two looks at whether the connection can take more. */
const BATCH = 4096;

/**
 * Cells that have a state, in the order of their rows' ids. Ids are hashes: in the order of days each would land on another
 * page of the key's index, in their own order they fill it page by page (measured: a third of the server's work).
 */
function* cellsById(classCode: Int8Array, idOf: (cell: number) => string): Generator<number> {
  let count = 0;
  for (const code of classCode) if (code >= 0) count++;
  // The first 32 bits of the id above the number of the cell: one native sort, no comparator.
  const keys = new BigUint64Array(count);
  for (let cell = 0, k = 0; cell < classCode.length; cell++) {
    if (classCode[cell] >= 0) keys[k++] = (BigInt(Number.parseInt(idOf(cell).slice(0, 8), 16)) << 32n) | BigInt(cell);
  }
  keys.sort();
  for (const key of keys) yield Number(key & 0xffffffffn);
}

/** Replaces the states of these instruments and days inside the caller's transaction; returns rows by table. */
export async function replaceStates(client: pg.ClientBase, states: StatesToWrite): Promise<Record<string, number>> {
  const { days, instruments, stability } = states;
  const n = instruments.length;
  const range = [formatDay(days[0]), formatDay(days[days.length - 1]), instruments.map((instrument) => instrument.id)];
  const remove = (table: string) =>
    client.query(
      `DELETE FROM ${table} WHERE entity_type = 'INSTRUMENT' AND as_of_date::date BETWEEN $1 AND $2 AND entity_id = ANY($3)`,
      range,
    );
  const counts: Record<string, number> = {};
  const metadata = JSON.stringify({ window_days: STABILITY_WINDOW, run_id: states.runId });
  const entityType = Buffer.from('INSTRUMENT');
  const idBytes = instruments.map((instrument) => Buffer.from(instrument.id));
  const classBytes = SOFT_TARGET_CLASSES.map((name) => Buffer.from(name));

  /** Writes a table: calls `write` for each cell that has a state, in ascending order of the rows' ids. */
  const eachState = async (
    writer: CopyWriter,
    table: string,
    write: (id: string, cell: number, day: number, i: number) => void,
  ) => {
    const idOf = (cell: number) =>
      keyId(table, 'INSTRUMENT', instruments[cell % n].id, formatDay(days[Math.floor(cell / n)]));
    let rows = 0;
    for (const cell of cellsById(stability.classCode, idOf)) {
      write(idOf(cell), cell, days[Math.floor(cell / n)], cell % n);
      if (++rows % BATCH === 0) await writer.flushed();
    }
  };

  await remove('soft_target_classes');
  counts.soft_target_classes = await copyInto(
    client,
    'soft_target_classes',
    [
      'soft_target_id',
      'entity_type',
      'entity_id',
      'as_of_date',
      'soft_target_class',
      'soft_target_score',
      'weak_profile',
      'instability',
      'high_fragility',
      'complacent_pricing',
      'metadata',
    ],
    (writer) =>
      eachState(writer, 'soft_target_classes', (id, cell, day, i) => {
        writer.row(11);
        writer.text(id);
        writer.bytes(entityType);
        writer.bytes(idBytes[i]);
        writer.date(day);
        writer.bytes(classBytes[stability.classCode[cell]]);
        writer.float64(stability.score[cell]);
        writer.bool(false);
        writer.float64(volatilityScore(stability.sigma[cell]));
        writer.float64(drawdownScore(stability.maxDrawdown[cell]));
        writer.float64(trendScore(stability.trend[cell]));
        writer.jsonb(metadata);
      }),
  );
  if (!states.vectors) return counts;

  await remove('stability_vectors');
  counts.stability_vectors = await copyInto(
    client,
    'stability_vectors',
    ['stability_id', 'entity_type', 'entity_id', 'as_of_date', 'vector_components', 'overall_score', 'metadata'],
    (writer) =>
      eachState(writer, 'stability_vectors', (id, cell, day, i) => {
        const [sigma, maxDrawdown, trend] = [stability.sigma[cell], stability.maxDrawdown[cell], stability.trend[cell]];
        writer.row(7);
        writer.text(id);
        writer.bytes(entityType);
        writer.bytes(idBytes[i]);
        writer.date(day);
        writer.jsonb(
          `{"vol_score":${volatilityScore(sigma)},"dd_score":${drawdownScore(maxDrawdown)},"trend_score":${trendScore(trend)},"sigma":${sigma},"max_drawdown":${maxDrawdown},"trend":${trend}}`,
        );
        writer.float64(stability.score[cell]);
        writer.jsonb(metadata);
      }),
  );
  return counts;
}
