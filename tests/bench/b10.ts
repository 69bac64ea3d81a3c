/** B10: first figures of the coverage of numeric vectors, on 20 million short rows and on more than two million whole ones. */
import { refreshCoverage } from '../../engines/numeric/coverage.storage.ts';
import { probeNumeric } from '../../src/phases/historical-evidence.ts';
import { withProber } from '../../src/phases/probes.ts';
import { openDatabases } from '../../src/platform/db/databases.ts';
import { embeddedServer, embeddedTargets } from '../../src/platform/db/embedded.ts';
import { fillVectors } from './b5.ts';
import { requireFree } from './disk.ts';
import { type Bar, measure } from './harness.ts';
import { type BenchMarket, openMarket } from './market.ts';

/** Vectors of four bytes will do: the roll-up never reads them. Five models, 800 names, 5,000 days. */
const SHORT_ROWS = `
  INSERT INTO numeric_window_embeddings (entity_type, entity_id, window_spec, as_of_date, model_id, vector)
  SELECT 'INSTRUMENT', 'N' || name, '{}', date '2004-01-01' + day, 'bench-' || model, '\\x00000000'
    FROM generate_series(1, 5) model, generate_series(0, 4999) day, generate_series(1, 800) name`;

/** Milliseconds from an unconnected pool to the figures. */
async function firstFigures(market: BenchMarket): Promise<number> {
  const times: number[] = [];
  for (let k = 0; k < 5; k++) {
    const databases = openDatabases(embeddedTargets(embeddedServer(market.home)), {
      application: 'bench',
      readOnly: true,
      maxConnections: 1,
    });
    try {
      const options = { now: Date.now, signal: new AbortController().signal, timeoutMs: 60_000 };
      const { value, wall } = await measure(() =>
        withProber(databases.historical, options, (prober) => probeNumeric(prober)),
      );
      if (!value.known || value.value.length === 0) throw new Error('the probe found nothing');
      times.push(wall * 1000);
    } finally {
      await databases.close();
    }
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

export async function run(): Promise<Bar[]> {
  const market = await openMarket();
  const { historical } = market.databases;
  const empty = () =>
    historical.client((client) =>
      client.query('TRUNCATE numeric_window_embeddings, console.backfills, console.shard_done'),
    );
  try {
    requireFree(market.home.root, 14, 'B10');
    await fillVectors(market);
    const whole = await firstFigures(market);
    await empty();
    const fill = await measure(() => historical.client((client) => client.query(SHORT_ROWS)));
    const exact = await measure(() => refreshCoverage(historical, { exact: true }));
    const short = await firstFigures(market);
    process.stderr.write(
      `bench: B10 20 M short rows written in ${fill.wall.toFixed(0)} s, counted exactly in ${exact.wall.toFixed(1)} s\n`,
    );
    const bar = { bar: 500, unit: 'ms', higherIsBetter: false } as const;
    return [
      { name: 'B10', what: 'first figures on 20 M rows, median', figure: short, ...bar },
      { name: 'B10', what: 'first figures on 2.9 M whole vectors, median', figure: whole, ...bar },
    ];
  } finally {
    await empty().catch(() => {});
    await market.close();
  }
}
