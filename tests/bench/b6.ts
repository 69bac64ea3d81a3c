/** B6: reading a day's cross-section of 800 vectors into one matrix. */
import { eachCandidate } from '../../engines/numeric/storage.ts';
import { dayFromCivil } from '../../src/platform/dates.ts';
import { copyInto } from '../../src/platform/db/copy.ts';
import type { Bar } from './harness.ts';
import { openMarket } from './market.ts';

const NAMES = 800;
const DAYS = 500;
const DIM = 384;
const MODEL = 'bench-cross-section';
const FIRST = dayFromCivil(1990, 1, 1);

export async function run(): Promise<Bar[]> {
  const market = await openMarket();
  const { historical } = market.databases;
  const remove = () =>
    historical.client((client) => client.query('DELETE FROM numeric_window_embeddings WHERE model_id = $1', [MODEL]));
  try {
    await remove();
    const vector = new Uint8Array(new Float32Array(DIM).fill(1).buffer);
    await historical.transaction((client) =>
      copyInto(
        client,
        'numeric_window_embeddings',
        ['entity_type', 'entity_id', 'window_spec', 'as_of_date', 'model_id', 'vector'],
        async (writer) => {
          for (let day = 0; day < DAYS; day++) {
            for (let name = 0; name < NAMES; name++) {
              writer.row(6);
              writer.text('INSTRUMENT');
              writer.text(`N${String(name).padStart(4, '0')}`);
              writer.jsonb('{}');
              writer.date(FIRST + day);
              writer.text(MODEL);
              writer.bytes(vector);
            }
            await writer.flushed();
          }
        },
      ),
    );
    await historical.client((client) => client.query('ANALYZE numeric_window_embeddings'));
    const times: number[] = [];
    for (let k = 0; k < 60; k++) {
      const day = FIRST + ((k * 37) % DAYS);
      const key = { modelId: MODEL, entityType: 'INSTRUMENT', entityId: '', day };
      const matrix = new Float32Array(NAMES * DIM);
      const bytes = Buffer.from(matrix.buffer);
      let rows = 0;
      const started = performance.now();
      await eachCandidate(historical, key, { start: day, end: day }, (_id, _day, row) => {
        row.copy(bytes, rows++ * DIM * 4);
      });
      times.push(performance.now() - started);
      if (rows !== NAMES || matrix[NAMES * DIM - 1] !== 1) throw new Error(`day ${day} came back with ${rows} rows`);
    }
    times.sort((a, b) => a - b);
    process.stderr.write(
      `bench: B6 min ${times[0].toFixed(1)} ms, median ${times[30].toFixed(1)} ms, max ${times[59].toFixed(1)} ms of 60 days\n`,
    );
    return [
      {
        name: 'B6',
        what: 'cross-section of a day, 800 vectors, median',
        figure: times[30],
        bar: 20,
        unit: 'ms',
        higherIsBetter: false,
      },
    ];
  } finally {
    await remove().catch(() => {});
    await market.close();
  }
}
