/** The program `backfill stability`. */
import { formatCount } from '../../src/format/numbers.ts';
import { batchMeter } from '../../src/platform/batches.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { Exit } from '../../src/platform/errors.ts';
import { stage } from '../../src/platform/events.ts';
import { type Program, parseRange } from '../../src/platform/program.ts';
import { columnOf, completeRuns } from '../market/panel.ts';
import { loadPanel } from '../market/storage.ts';
import { STABILITY_WINDOW, stabilityPanel } from './model.ts';
import type { backfillStabilitySpec } from './spec.ts';
import { replaceStates } from './storage.ts';

/** Trading days computed and written at once: bounds memory on long ranges. */
const CHUNK_DAYS = 256;

export const backfillStability: Program<typeof backfillStabilitySpec> = async (args, context) => {
  const { databases, events, signal, now } = context;
  const { start, end } = parseRange(args);
  stage(events, 'load prices', 1, 2);
  const panel = await loadPanel(databases, {
    marketId: args.marketId,
    start,
    end,
    lookback: STABILITY_WINDOW - 1,
    columns: ['close'],
    cacheFolder: context.home.cache,
  });
  stage(events, 'compute and write states', 2, 2);
  const close = columnOf(panel, 'close');
  const n = panel.instruments.length;
  const days = panel.calendar.days.length;
  const runs = completeRuns(close, n, days);
  const runId = context.newId();
  // One transaction: a reader sees the old states or all of the new ones.
  const rows = await databases.runtime.transaction(async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`prometheus states ${args.marketId}`]);
    const total: Record<string, number> = {};
    const wrote = batchMeter(events, now);
    for (let d = 0; d < panel.count; d += CHUNK_DAYS) {
      signal.throwIfAborted();
      const count = Math.min(CHUNK_DAYS, panel.count - d);
      const first = panel.first + d;
      const written = await replaceStates(client, {
        runId,
        instruments: panel.instruments,
        days: panel.calendar.days.subarray(first, first + count),
        stability: stabilityPanel(close, runs, n, days, first, count),
        vectors: true,
      });
      for (const [table, count] of Object.entries(written)) total[table] = (total[table] ?? 0) + count;
      wrote(Object.values(written).reduce((a, b) => a + b, 0));
      events.emit({ type: 'progress', done: d + count, total: panel.count, unit: 'days' });
    }
    return total;
  });
  const [from, to] = [panel.first, days - 1].map((t) => formatDay(panel.calendar.days[t]));
  const summary = `${formatCount(rows.soft_target_classes)} states of ${formatCount(n)} instruments, ${from} … ${to}`;
  return {
    exitCode: Exit.done,
    summary,
    rows,
    data: { market_id: args.marketId, start: from, end: to, instruments: n, rows },
  };
};
