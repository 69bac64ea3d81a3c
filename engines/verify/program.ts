/** The program `verify point-in-time`. */
import { formatDay } from '../../src/platform/dates.ts';
import { Exit } from '../../src/platform/errors.ts';
import { stage } from '../../src/platform/events.ts';
import { type Program, parseRange } from '../../src/platform/program.ts';
import { Random } from '../../src/platform/random.ts';
import { lookbackFor } from '../backtest/features.ts';
import { loadPanel } from '../market/storage.ts';
import { firstDifference, type Leak, simulateAll, WAYS, withOtherFuture } from './point-in-time.ts';
import type { pointInTimeSpec } from './spec.ts';
import { writeEvidence } from './storage.ts';

export const verifyPointInTime: Program<typeof pointInTimeSpec> = async (args, context) => {
  const { databases, events, signal } = context;
  const { start, end } = parseRange(args);
  stage(events, 'load prices', 1, 2);
  const panel = await loadPanel(databases, {
    marketId: args.marketId,
    start,
    end,
    lookback: lookbackFor(args.horizon),
    columns: ['open', 'close', 'volume'],
    cacheFolder: context.home.cache,
  });
  stage(events, 'repeat with other futures', 2, 2);
  const generator = new Random(args.seed);
  const random = () => generator.uniform();
  const reference = simulateAll(panel, panel.first, panel.count, args.horizon);
  const leaks: Leak[] = [];
  const tried: string[] = [];
  for (let k = 0; k < args.days; k++) {
    signal.throwIfAborted();
    // The last day has no future inside the panel.
    const day = panel.count > 1 ? Math.floor(random() * (panel.count - 1)) : 0;
    const other = simulateAll(
      withOtherFuture(panel, panel.first + day, random),
      panel.first,
      panel.count,
      args.horizon,
    );
    const difference = firstDifference(reference, other, day, args.horizon);
    if (difference) leaks.push({ day, ...difference });
    tried.push(formatDay(panel.calendar.days[panel.first + day]));
    events.emit({ type: 'progress', done: k + 1, total: args.days, unit: 'days' });
    await new Promise<void>((resume) => setImmediate(resume));
  }
  const ok = leaks.length === 0;
  const dateOf = (d: number) => formatDay(panel.calendar.days[panel.first + d]);
  const reason = ok
    ? ''
    : `with prices after ${dateOf(leaks[0].day)} changed, ${leaks[0].column} of ${dateOf(leaks[0].at)} changed too`;
  const observed = {
    days_tried: tried.length,
    leaks: leaks.length,
    start: args.start,
    end: args.end,
    horizons: args.horizon,
    fills: WAYS.map(({ broker }) => broker.fill),
    instruments: panel.instruments.length,
    data_fingerprint: panel.fingerprint,
  };
  await writeEvidence(databases.runtime, {
    checkId: 'P1.pit',
    phase: 'P1',
    state: ok ? 'OK' : 'FAIL',
    observed,
    required: { leaks: 0 },
    reason,
    provenance: context.provenance,
  });
  const summary = ok
    ? `no figure changed on or before any of ${tried.length} days when everything after it was replaced`
    : `FAIL: ${reason}`;
  return {
    exitCode: ok ? Exit.done : Exit.failed,
    summary,
    rows: { 'console.evidence': 1 },
    data: { state: ok ? 'OK' : 'FAIL', ...observed, tried, reason },
  };
};
