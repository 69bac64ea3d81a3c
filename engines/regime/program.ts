/** The program `backfill regime`. */
import { hash } from 'node:crypto';
import { formatCount } from '../../src/format/numbers.ts';
import { batchMeter } from '../../src/platform/batches.ts';
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import { Exit, UsageError, UserError } from '../../src/platform/errors.ts';
import { log, stage } from '../../src/platform/events.ts';
import { LEAST_REGIME_DAYS } from '../../src/platform/least-training.ts';
import { type Program, parseRange } from '../../src/platform/program.ts';
import { type LoadedPanel, loadPanel } from '../market/storage.ts';
import { requireOutOfSample } from '../models/guard.model.ts';
import { requireMadeBy } from '../models/made-by.storage.ts';
import type { NumericManifest } from '../models/manifest.model.ts';
import { loadNumericModel } from '../numeric/models.storage.ts';
import { groupSeries } from '../numeric/v2/groups.model.ts';
import { instrumentRows, MARKET_WINDOW, ROW_COLUMNS } from '../numeric/v2/rows.model.ts';
import { logVol } from '../numeric/v2/series.model.ts';
import { lookbackOf } from '../numeric/windows.model.ts';
import { changeRisk, fitPrototypes, labelDays, type Prototypes, REGIME_LABELS, REGIMES } from './model.ts';
import type { backfillRegimeSpec } from './spec.ts';
import { type MarketVectors, matrixOf, readMarketVectors, regionOf, replaceRegimes } from './storage.ts';

/** Trading days of the market volatility that names the regimes. */
const VOLATILITY_DAYS = 21;

export const backfillRegime: Program<typeof backfillRegimeSpec> = async (args, context) => {
  const { databases, events, signal, home } = context;
  const { start, end } = parseRange(args);
  const model = await loadNumericModel(home.models, args.model);
  const { manifest, fingerprint } = model;
  if (!manifest.entities.includes('MARKET')) {
    throw new UsageError(`${args.model} has no vectors of markets`, 'Use num-regime-core-v2 or a refit of it.');
  }
  const train = trainingSpan(args, manifest);
  requireOutOfSample(manifest, start, args.allowInSample);
  if (start <= train.end && !args.allowInSample) {
    throw new UserError(
      `the prototypes are fitted on days up to ${formatDay(train.end)}: labels from ${args.start} on have seen their own future`,
      'Begin after that day, end the training earlier, or say --allow-in-sample.',
    );
  }
  const region = args.region ?? (await regionOf(databases.runtime, args.market));

  stage(events, 'load prices and vectors', 1, 3);
  const from = Math.min(train.start, start);
  const used = { start: from, end: Math.max(end, train.end) };
  await requireMadeBy(
    databases.historical,
    'numeric',
    model,
    used,
    noVectors(args, formatDay(used.start), formatDay(used.end)).fix,
  );
  const panel = await loadPanel(databases, {
    marketId: args.market,
    start: from,
    end: Math.max(end, train.end),
    lookback: VOLATILITY_DAYS + lookbackOf(MARKET_WINDOW),
    columns: [...ROW_COLUMNS],
    cacheFolder: home.cache,
  });
  const key = { modelId: args.model, marketId: args.market, dim: manifest.dim };
  // Days after the range are read only where the prototypes are fitted on them.
  const vectors = await readMarketVectors(databases.historical, key, { start: from, end: Math.max(end, train.end) });
  signal.throwIfAborted();

  stage(events, 'fit prototypes and label days', 2, 3);
  const prototypes = fitOn(train, vectors, panel, args);
  const until = vectors.days.findLastIndex((day) => day <= end) + 1;
  const labelled = upTo(vectors, until);
  const labels = labelDays(labelled, prototypes);
  const risk = changeRisk(labels.regime, args.horizonDays);
  const missing = daysWithout(panel, vectors, start, end);
  const due = panel.calendar.days.filter((day) => day >= start && day <= end).length;
  if (missing.length === due) throw noVectors(args, args.start, args.end);

  stage(events, 'write', 3, 3);
  const prototypesHash = hash('sha256', new Uint8Array(prototypes.centres.buffer), 'hex');
  const rows = await replaceRegimes(databases.runtime, {
    runId: context.newId(),
    region,
    range: { start, end },
    vectors: labelled,
    labels,
    risk,
    onBatch: batchMeter(events, context.now),
    reference: `numeric_window_embeddings/${args.model}/MARKET/${args.market}`,
    origin: {
      market_id: args.market,
      model_id: args.model,
      model_fingerprint: fingerprint,
      train_start: formatDay(train.start),
      train_end: formatDay(train.end),
      // Rows up to this day have seen their own future: whoever uses them refuses them.
      known_until: [formatDay(train.end), manifest.fit?.fit_end ?? ''].sort()[1],
      prototypes_sha256: prototypesHash,
      horizon_days: args.horizonDays,
    },
  });
  const share = shares(labels.regime, labelled.days, start);
  const last = labelled.count - 1;
  const matrix = matrixOf(risk.transition.subarray(last * REGIMES * REGIMES));
  const summary = `${formatCount(rows.regimes)} days of ${region} labelled, ${formatCount(rows.regime_transitions)} changes, ${formatDay(labelled.days[last])}: ${REGIME_LABELS[labels.regime[last]]}`;
  if (missing.length > 0) {
    const named = missing.slice(0, 3).map(formatDay).join(', ');
    log(events, 'warn', `${missing.length} of ${due} trading days have no vector of ${args.market}: ${named}`);
  }
  if (!args.json) {
    const lines = Object.entries(matrix).map(([label, row]) => [label, share[label], ...Object.values(row)].join());
    context.stdout(`${[`regime,days,${REGIME_LABELS.join()}`, ...lines].join('\n')}\n`);
  }
  return {
    exitCode: missing.length ? Exit.partial : Exit.done,
    summary,
    rows,
    data: {
      region,
      market_id: args.market,
      model_id: args.model,
      train_start: formatDay(train.start),
      train_end: formatDay(train.end),
      prototypes_sha256: prototypesHash,
      days: share,
      days_without_vector: missing.map(formatDay),
      change_risk: risk.change[last],
      regime_risk: risk.risk[last],
      transition_matrix: matrix,
      rows,
    },
  };
};

interface Span {
  /** Day numbers. */
  readonly start: number;
  readonly end: number;
}

/** @throws UsageError when neither the flags nor the model say on what the prototypes are fitted. */
function trainingSpan(args: { trainStart?: string; trainEnd?: string }, { model_id, fit }: NumericManifest): Span {
  const [trainStart, trainEnd] = [args.trainStart ?? fit?.fit_start, args.trainEnd ?? fit?.fit_end];
  if (trainStart === undefined || trainEnd === undefined) {
    throw new UsageError(`${model_id} was fitted on nothing`, 'Say --train-start and --train-end of the prototypes.');
  }
  if (parseDay(trainStart) > parseDay(trainEnd)) {
    throw new UsageError(`the training ends on ${trainEnd}, before it begins on ${trainStart}`, 'Swap them.');
  }
  return { start: parseDay(trainStart), end: parseDay(trainEnd) };
}

function fitOn(
  train: Span,
  vectors: MarketVectors,
  panel: LoadedPanel,
  args: { market: string; model: string },
): Prototypes {
  const volatility = marketVolatility(panel);
  const used = Array.from(vectors.days.keys()).filter(
    (d) => vectors.days[d] >= train.start && vectors.days[d] <= train.end && volatility.has(vectors.days[d]),
  );
  if (used.length < LEAST_REGIME_DAYS) {
    const what = `${used.length} days with vectors of ${args.market}, fewer than ${LEAST_REGIME_DAYS}`;
    const { fix } = noVectors(args, formatDay(train.start), formatDay(train.end));
    const first = used.length ? vectors.days[used[0]] : null;
    const due = panel.calendar.days.filter((day) => first !== null && day >= first && day <= train.end).length;
    const before = panel.calendar.days.some((day) => first !== null && day >= train.start && day < first);
    const early = before
      ? ` Every trading day from ${formatDay(first!)} has a vector; those before it can have one only where prices fill a window by then.`
      : '';
    throw new UserError(
      `the training span ${formatDay(train.start)} … ${formatDay(train.end)} holds ${what}`,
      // Vectors begin when prices have filled a window: where no day after the first lacks one, making them anew adds none.
      first === null || used.length < due
        ? fix
        : `Train on more days: an earlier start with prices before it, or a later end (in phases.yaml an earlier encoderStart or a later encoderEnd, and the chain of Phase 4 from its first step).${early}`,
    );
  }
  const { dim } = vectors;
  const values = new Float32Array(used.length * dim);
  used.forEach((d, k) => {
    values.set(vectors.values.subarray(d * dim, (d + 1) * dim), k * dim);
  });
  try {
    return fitPrototypes(
      { count: used.length, dim, values },
      Float64Array.from(used, (d) => volatility.get(vectors.days[d])!),
    );
  } catch (error) {
    throw new UserError((error as Error).message, 'Choose a longer --train-start … --train-end.');
  }
}

function noVectors(args: { market: string; model: string }, from: string, to: string, what?: string): UserError {
  return new UserError(
    what ?? `${args.model} has no vector of ${args.market} from ${from} to ${to}`,
    `Make them: prometheus backfill numeric-embeddings --models ${args.model} --market ${args.market} --start-date ${from} --end-date ${to}`,
  );
}

/** ln volatility of the market's equal-weight return over 21 trading days, by day number. */
function marketVolatility(panel: LoadedPanel): Map<number, number> {
  const { days } = panel.calendar;
  const market = groupSeries(panel, instrumentRows(panel)).ret.subarray(0, days.length);
  const volatility = new Map<number, number>();
  for (let t = VOLATILITY_DAYS - 1; t < days.length; t++) {
    const known = logVol(market, t - VOLATILITY_DAYS + 1, t + 1);
    if (Number.isFinite(known)) volatility.set(days[t], known);
  }
  return volatility;
}

const upTo = ({ dim, days, values }: MarketVectors, count: number): MarketVectors => ({
  count,
  dim,
  days: days.subarray(0, count),
  values: values.subarray(0, count * dim),
});

function daysWithout(panel: LoadedPanel, vectors: MarketVectors, start: number, end: number): number[] {
  const known = new Set(vectors.days);
  return Array.from(panel.calendar.days).filter((day) => day >= start && day <= end && !known.has(day));
}

/** Days from `start` on by label. */
function shares(regime: Int8Array, days: Int32Array, start: number): Record<string, number> {
  const counts = Object.fromEntries(REGIME_LABELS.map((label) => [label, 0]));
  regime.forEach((code, d) => {
    if (days[d] >= start) counts[REGIME_LABELS[code]]++;
  });
  return counts;
}
