/** One sleeve over all its days: assessment → universe → portfolio → risk → execution. Pure: features in, columns out. */
import { assessmentScore, assessmentWindow } from '../assessment/model.ts';
import type { Fills } from '../execution/fill-log.ts';
import { Book, type BrokerOptions, type DayPrices } from '../execution/model.ts';
import { longOnlyWeights } from '../portfolio/model.ts';
import { capWeights } from '../risk/model.ts';
import { regimeMultiplier, selectUniverse, type Universe } from '../universe/model.ts';
import type { Features } from './features.ts';

export interface SimulationOptions {
  readonly horizonDays: number;
  /** Scores come from the context backend. */
  readonly context?: boolean;
  readonly initialCash: number;
  readonly broker: BrokerOptions;
  readonly risk: boolean;
  /** Weight of λ̂ in universe scores; read only where the features hold λ̂. */
  readonly lambdaWeight?: number;
  /** Weight of the regime's risk; read only where the features hold it. */
  readonly regimeAlpha?: number;
  /** Days (0-based) whose positions are kept; the last day is always one of them. */
  readonly snapshotDays: readonly number[];
  /** Keep every stage of every day (for `--persist full`). */
  readonly keepStages: boolean;
}

interface Snapshots {
  readonly day: Int32Array;
  readonly instrument: Int32Array;
  readonly quantity: Float64Array;
  readonly averageCost: Float64Array;
  readonly marketValue: Float64Array;
}

/** Every stage of every day: D × N, day-major. */
interface Stages {
  readonly exclusion: Int8Array;
  readonly universeScore: Float64Array;
  /** Rank from 1 among the included, 0 where excluded. */
  readonly rank: Int32Array;
  /** Before and after the risk cap. */
  readonly weight: Float64Array;
  readonly cappedWeight: Float64Array;
}

export interface SleeveResult {
  /** Equity at the end of each day, after its fills. */
  readonly equity: Float64Array;
  /** Cash at the end of each day. */
  readonly cash: Float64Array;
  readonly positions: Int32Array;
  readonly universeSize: Int32Array;
  readonly core: Int32Array;
  /** Means over the included; NaN on days without the figure. */
  readonly targetableRiskMean: Float64Array;
  readonly worsenRiskMean: Float64Array;
  /** λ̂ over the included: mean of those that have one (NaN when none has), and their share. Null without a provider. */
  readonly lambda: { readonly mean: Float64Array; readonly coverage: Float64Array } | null;
  /** Value traded each day in dollars, buys and sells. */
  readonly traded: Float64Array;
  /** Benchmarks of the sleeve's own universe: value of 1 at the end of day 1. */
  readonly equalWeight: Float64Array;
  readonly buyAndHold: Float64Array;
  readonly fills: Fills;
  readonly snapshots: Snapshots;
  readonly stages: Stages | null;
}

/** Called now and then with the day just finished. */
export type DayListener = (day: number, equity: number, drawdown: number, positions: number) => void;

/** Simulates one sleeve. Deterministic: the same features and options give the same columns. */
export function simulateSleeve(features: Features, options: SimulationOptions, onDay?: DayListener): SleeveResult {
  const { instruments: n, count } = features;
  const momentum = features.momentum.get(assessmentWindow(options.horizonDays));
  if (!momentum) throw new Error(`features lack the momentum window of horizon ${options.horizonDays}`);
  const { dates } = features;
  const context = options.context ? features.context : null;
  if (options.context && !context) throw new Error('features lack the context assessments');
  const book = new Book(n, options.initialCash, options.broker);
  const weights = new Float64Array(n);
  const scores = new Float64Array(n);
  const equal = new Float64Array(count);
  const held = new Float64Array(count);
  const out = {
    equity: new Float64Array(count),
    cash: new Float64Array(count),
    positions: new Int32Array(count),
    universeSize: new Int32Array(count),
    core: new Int32Array(count),
    targetableRiskMean: new Float64Array(count).fill(Number.NaN),
    worsenRiskMean: new Float64Array(count).fill(Number.NaN),
    traded: new Float64Array(count),
  };
  const snapshots = new SnapshotList();
  const snapshotDays = new Set([...options.snapshotDays, count - 1]);
  const stages = options.keepStages ? makeStages(n, count) : null;
  const lambda = features.lambdaHat && {
    mean: new Float64Array(count).fill(Number.NaN),
    coverage: new Float64Array(count).fill(Number.NaN),
  };
  let previousMembers: Int32Array = new Int32Array(0);
  let firstMembers: Int32Array | null = null;
  let firstDay = 0;
  let peak = Number.NEGATIVE_INFINITY;

  for (let d = 0; d < count; d++) {
    const from = d * n;
    const day = <T extends Float64Array | Int8Array | Uint8Array>(column: T) => column.subarray(from, from + n) as T;
    const prices: DayPrices = {
      close: day(features.close),
      open: features.open ? day(features.open) : undefined,
      volume: day(features.volume),
    };
    const tradedBefore = book.tradedValue;
    book.open(d, prices, features.delistingValue, dates?.endsAt);
    const equityBefore = book.equity();

    const stability = features.stability;
    const softTargetScore = day(stability.score);
    const momentumToday = day(momentum);
    if (context) scores.set(day(context.score));
    else for (let i = 0; i < n; i++) scores[i] = assessmentScore(momentumToday[i], softTargetScore[i]);
    const targetable = features.transitions.targetable.subarray(d * 5, d * 5 + 5);
    const classCode = day(stability.classCode);
    const universe = selectUniverse({
      complete: day(features.complete),
      meanVolume: day(features.meanVolume),
      softTargetScore,
      classCode,
      assessmentScore: scores,
      targetableRisk: targetable,
      lambdaScore: features.lambdaHat && day(features.lambdaHat),
      lambdaWeight: options.lambdaWeight ?? 0,
      barred: dates && day(dates.barred),
      regimeMultiplier: features.regimeRisk ? regimeMultiplier(options.regimeAlpha ?? 0, features.regimeRisk[d]) : 1,
    });
    longOnlyWeights(weightOrder(universe), universe.score, weights);
    stages?.weight.set(weights, from);
    if (options.risk) capWeights(weights);
    if (stages) keepDay(stages, from, universe, weights);
    book.rebalance(d, weights, prices, equityBefore);

    out.equity[d] = book.equity();
    out.cash[d] = book.cash;
    out.traded[d] = book.tradedValue - tradedBefore;
    out.universeSize[d] = universe.ranked.length;
    out.core[d] = universe.core;
    for (let i = 0; i < n; i++) if (book.quantity[i] !== 0) out.positions[d]++;
    out.targetableRiskMean[d] = meanRisk(targetable, classCode, universe.ranked);
    out.worsenRiskMean[d] = meanRisk(
      features.transitions.worsen.subarray(d * 5, d * 5 + 5),
      classCode,
      universe.ranked,
    );
    if (lambda) {
      const { mean, known } = meanOfMembers(day(features.lambdaHat!), universe.ranked);
      lambda.mean[d] = mean;
      if (known > 0) lambda.coverage[d] = known / universe.ranked.length;
    }
    if (snapshotDays.has(d)) snapshots.take(d, book);

    equal[d] = d === 0 ? 1 : equal[d - 1] * (1 + meanReturn(features.mark, n, d - 1, d, previousMembers));
    previousMembers = universe.ranked;
    if (!firstMembers && universe.ranked.length > 0) {
      firstMembers = universe.ranked;
      firstDay = d;
    }
    held[d] = firstMembers ? 1 + meanReturn(features.mark, n, firstDay, d, firstMembers) : 1;

    peak = Math.max(peak, out.equity[d]);
    onDay?.(d, out.equity[d], out.equity[d] / peak - 1, out.positions[d]);
  }
  return {
    ...out,
    lambda,
    equalWeight: equal,
    buyAndHold: held,
    fills: book.fills.columns(),
    snapshots: snapshots.columns(),
    stages,
  };
}

/** Members by (score desc, id asc): the order in which the portfolio's cap is applied. */
function weightOrder(universe: Universe): Int32Array {
  return Int32Array.from(universe.ranked).sort((a, b) => universe.score[b] - universe.score[a] || a - b);
}

function meanRisk(riskOfClass: Float64Array, classCode: Int8Array, members: Int32Array): number {
  let sum = 0;
  let known = 0;
  for (let k = 0; k < members.length; k++) {
    const risk = riskOfClass[classCode[members[k]]];
    if (!Number.isNaN(risk)) {
      sum += risk;
      known++;
    }
  }
  return known ? sum / known : Number.NaN;
}

/** Mean over the members whose value is known, and how many they are; NaN when none is. */
function meanOfMembers(values: Float64Array, members: Int32Array): { mean: number; known: number } {
  let sum = 0;
  let known = 0;
  for (let k = 0; k < members.length; k++) {
    const value = values[members[k]];
    if (Number.isNaN(value)) continue;
    sum += value;
    known++;
  }
  return { mean: known ? sum / known : Number.NaN, known };
}

/** Mean simple return of members' marks from day `a` to day `b`; members without marks are left out. */
function meanReturn(mark: Float64Array, n: number, a: number, b: number, members: Int32Array): number {
  let sum = 0;
  let known = 0;
  for (let k = 0; k < members.length; k++) {
    const value = mark[b * n + members[k]] / mark[a * n + members[k]] - 1;
    if (!Number.isNaN(value)) {
      sum += value;
      known++;
    }
  }
  return known ? sum / known : 0;
}

function makeStages(n: number, count: number): Stages {
  return {
    exclusion: new Int8Array(count * n),
    universeScore: new Float64Array(count * n),
    rank: new Int32Array(count * n),
    weight: new Float64Array(count * n),
    cappedWeight: new Float64Array(count * n),
  };
}

function keepDay(stages: Stages, from: number, universe: Universe, capped: Float64Array): void {
  stages.exclusion.set(universe.exclusion, from);
  stages.universeScore.set(universe.score, from);
  universe.ranked.forEach((i, rank) => {
    stages.rank[from + i] = rank + 1;
  });
  stages.cappedWeight.set(capped, from);
}

class SnapshotList {
  readonly #day: number[] = [];
  readonly #instrument: number[] = [];
  readonly #quantity: number[] = [];
  readonly #averageCost: number[] = [];
  readonly #marketValue: number[] = [];

  take(day: number, book: Book): void {
    for (let i = 0; i < book.quantity.length; i++) {
      if (book.quantity[i] === 0) continue;
      this.#day.push(day);
      this.#instrument.push(i);
      this.#quantity.push(book.quantity[i]);
      this.#averageCost.push(book.averageCost[i]);
      this.#marketValue.push(book.quantity[i] * book.mark[i]);
    }
  }

  columns(): Snapshots {
    return {
      day: Int32Array.from(this.#day),
      instrument: Int32Array.from(this.#instrument),
      quantity: Float64Array.from(this.#quantity),
      averageCost: Float64Array.from(this.#averageCost),
      marketValue: Float64Array.from(this.#marketValue),
    };
  }
}
