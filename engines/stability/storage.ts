/** Rows of `stability_vectors` and `soft_target_classes`: day-owned, the newest run replaces what stood there. */
import type pg from 'pg';
import { formatDay } from '../../src/platform/dates.ts';
import { copyInto } from '../../src/platform/db/copy.ts';
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

/** Replaces the states of these instruments and days inside the caller's transaction; returns rows by table. */
export async function replaceStates(client: pg.ClientBase, states: StatesToWrite): Promise<Record<string, number>> {
  const { days, instruments, stability } = states;
  const range = [formatDay(days[0]), formatDay(days[days.length - 1]), instruments.map((instrument) => instrument.id)];
  const remove = (table: string) =>
    client.query(
      `DELETE FROM ${table} WHERE entity_type = 'INSTRUMENT' AND as_of_date BETWEEN $1 AND $2 AND entity_id = ANY($3)`,
      range,
    );
  const counts: Record<string, number> = {};
  const metadata = JSON.stringify({ window_days: STABILITY_WINDOW, run_id: states.runId });
  const entityType = Buffer.from('INSTRUMENT');
  const idBytes = instruments.map((instrument) => Buffer.from(instrument.id));
  const classBytes = SOFT_TARGET_CLASSES.map((name) => Buffer.from(name));

  /** Calls `write` for each cell that has a state. */
  const eachState = async (
    flushed: () => Promise<void>,
    write: (cell: number, day: number, i: number, date: string) => void,
  ) => {
    for (let d = 0; d < days.length; d++) {
      const date = formatDay(days[d]);
      for (let i = 0; i < instruments.length; i++) {
        const cell = d * instruments.length + i;
        if (stability.classCode[cell] >= 0) write(cell, days[d], i, date);
      }
      await flushed();
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
      eachState(
        () => writer.flushed(),
        (cell, day, i, date) => {
          writer.row(11);
          writer.text(keyId('soft_target_classes', 'INSTRUMENT', instruments[i].id, date));
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
        },
      ),
  );
  if (!states.vectors) return counts;

  await remove('stability_vectors');
  counts.stability_vectors = await copyInto(
    client,
    'stability_vectors',
    ['stability_id', 'entity_type', 'entity_id', 'as_of_date', 'vector_components', 'overall_score', 'metadata'],
    (writer) =>
      eachState(
        () => writer.flushed(),
        (cell, day, i, date) => {
          const [sigma, maxDrawdown, trend] = [
            stability.sigma[cell],
            stability.maxDrawdown[cell],
            stability.trend[cell],
          ];
          writer.row(7);
          writer.text(keyId('stability_vectors', 'INSTRUMENT', instruments[i].id, date));
          writer.bytes(entityType);
          writer.bytes(idBytes[i]);
          writer.date(day);
          writer.jsonb(
            `{"vol_score":${volatilityScore(sigma)},"dd_score":${drawdownScore(maxDrawdown)},"trend_score":${trendScore(trend)},"sigma":${sigma},"max_drawdown":${maxDrawdown},"trend":${trend}}`,
          );
          writer.float64(stability.score[cell]);
          writer.jsonb(metadata);
        },
      ),
  );
  return counts;
}
