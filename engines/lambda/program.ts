/** The program `backfill opportunity-density`. */
import { formatCount } from '../../src/format/numbers.ts';
import { batchMeter } from '../../src/platform/batches.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { Exit } from '../../src/platform/errors.ts';
import { log, stage } from '../../src/platform/events.ts';
import { type Program, parseRange } from '../../src/platform/program.ts';
import { columnOf, completeRuns } from '../market/panel.ts';
import { loadPanel } from '../market/storage.ts';
import { STABILITY_WINDOW, stabilityPanel } from '../stability/model.ts';
import { densityLines } from './density-csv.ts';
import { withOutputFiles } from './files.ts';
import { countStates, type LambdaInputs, lambdaPanel, requireClusters } from './model.ts';
import type { backfillDensitySpec } from './spec.ts';
import { readClasses, replaceDensity } from './storage.ts';

export const backfillDensity: Program<typeof backfillDensitySpec> = async (args, context) => {
  const { databases, events, signal } = context;
  const { start, end } = parseRange(args);
  const computed = args.stab === 'compute';
  stage(events, 'load prices', 1, 3);
  const panel = await loadPanel(databases, {
    marketId: args.market,
    start,
    end,
    lookback: Math.max(args.lookbackDays, computed ? STABILITY_WINDOW : 0) - 1,
    columns: ['close'],
    cacheFolder: context.home.cache,
  });
  signal.throwIfAborted();
  stage(events, computed ? 'states and λ' : 'read states, compute λ', 2, 3);
  const close = columnOf(panel, 'close');
  const { instruments, first, count } = panel;
  const n = instruments.length;
  const days = panel.calendar.days.length;
  const range = panel.calendar.days.subarray(first, first + count);
  const runs = completeRuns(close, n, days);
  const classCode = computed
    ? stabilityPanel(close, runs, n, days, first, count).classCode
    : await readClasses(databases.runtime, instruments, range);
  const inputs: LambdaInputs = {
    instruments,
    close,
    runs,
    days,
    first,
    count,
    classCode,
    lookback: args.lookbackDays,
    minClusterSize: args.minClusterSize,
  };
  const density = lambdaPanel(inputs);
  requireClusters(density, args.market, args.minClusterSize);
  signal.throwIfAborted();
  stage(events, 'write', 3, 3);
  const { output } = args;
  const rows = await withOutputFiles([output], signal, async (files) => {
    if (output !== undefined) files.write(output, densityLines(args.market, range, density));
    return replaceDensity(databases.runtime, {
      runId: context.newId(),
      marketId: args.market,
      days: range,
      lookback: args.lookbackDays,
      minClusterSize: args.minClusterSize,
      stateSource: args.stab,
      panel: density,
      onBatch: batchMeter(events, context.now),
      beforeCommit: () => files.publish(),
    });
  });
  if (output !== undefined) events.emit({ type: 'artifact', kind: 'lambda_panel', id: args.market, path: output });

  const states = countStates(density, inputs);
  const source = computed ? 'computed from prices' : 'from soft_target_classes';
  log(
    events,
    'info',
    `states ${source}; ${formatCount(states.unknownRows)} of ${formatCount(density.day.length)} rows have class UNKNOWN`,
  );
  const warnOf = (missing: readonly number[], what: string, remedy: string) => {
    if (missing.length === 0) return;
    const [from, to] = [missing[0], missing[missing.length - 1]].map((d) => formatDay(range[d]));
    log(events, 'warn', `${missing.length} of ${count} trading days have no ${what} (${from} … ${to})${remedy}`);
  };
  warnOf(states.daysWithoutPrices, 'price', '');
  warnOf(states.daysWithoutStates, 'state', computed ? '' : '; --stab compute takes them from prices');
  const [from, to] = [0, count - 1].map((d) => formatDay(range[d]));
  const summary = `${density.day.length} λ rows of ${args.market}, ${from} … ${to}, states ${source}`;
  return {
    exitCode: Exit.done,
    summary,
    rows,
    data: {
      market_id: args.market,
      start: from,
      end: to,
      lookback_days: args.lookbackDays,
      min_cluster_size: args.minClusterSize,
      stab_source: args.stab,
      instruments: n,
      trading_days: count,
      days_without_prices: states.daysWithoutPrices.length,
      days_without_states: states.daysWithoutStates.length,
      days_without_clusters: states.daysWithoutClusters,
      unknown_rows: states.unknownRows,
      output: args.output ?? null,
      data_fingerprint: panel.fingerprint,
      rows,
    },
  };
};
