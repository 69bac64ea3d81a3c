/** What reports hold. Data only: shared by the command line, the console and pages. */
import type { FigureUnit } from '../format/figure.ts';

/** λ of clusters over time, averaged into columns of equal length. */
export interface LambdaHeat {
  readonly marketId: string;
  readonly lookbackDays: number;
  readonly minClusterSize: number;
  readonly stabSource: string;
  readonly first: string;
  readonly last: string;
  readonly rows: number;
  /** First day of each column. */
  readonly columns: readonly string[];
  readonly clusters: readonly {
    readonly sector: string;
    readonly softTargetClass: string;
    /** Mean λ by column; null where the cluster has no row. */
    readonly values: readonly (number | null)[];
    readonly lastLambda: number;
    readonly lastDay: string;
  }[];
}

/** One experiment's λ̂ against what came of it. */
export interface LambdaForecast {
  readonly experimentId: string;
  readonly rows: number;
  readonly first: string;
  readonly last: string;
  readonly trainEnd: string;
  readonly realised: number;
  /** Pearson's correlation of λ̂ and what came; null without two rows. */
  readonly correlation: number | null;
  /** Tenths of the rows by λ̂, ascending: means of λ̂ and of what came. */
  readonly tenths: readonly { readonly lambdaHat: number; readonly realised: number; readonly rows: number }[];
  /** Means by column of time. */
  readonly columns: readonly { readonly from: string; readonly lambdaHat: number; readonly realised: number | null }[];
}

/** Returns of a run's days by thirds of the mean λ̂ of its universe; points of a sweep are none of these runs. */
export interface LambdaBuckets {
  readonly runId: string;
  readonly sleeveId: string;
  readonly start: string;
  readonly end: string;
  readonly experimentId: string | null;
  readonly weight: number | null;
  readonly days: number;
  /** Mean daily returns of the same day, and of the next: the second is the forecast. */
  readonly sameDay: readonly (number | null)[];
  readonly nextDay: readonly (number | null)[];
  readonly caveat: string;
}

/** One point of the newest sweep over the weight of λ̂. */
export interface LambdaWeightPoint {
  readonly campaignId: string;
  readonly runId: string;
  readonly sleeveId: string;
  readonly weight: number;
  readonly sharpe: number;
  readonly cumulativeReturn: number;
  readonly maxDrawdown: number;
  readonly turnoverPerDay: number | null;
  readonly trades: string;
  readonly caveat: string;
}

export interface LambdaOverview {
  readonly heat: LambdaHeat | null;
  readonly forecasts: readonly LambdaForecast[];
  readonly buckets: readonly LambdaBuckets[];
  readonly weights: readonly LambdaWeightPoint[];
  readonly trials: { readonly recorded: number; readonly distinct: number };
}

/** Where a run comes from; null where it does not say, as runs of other systems do. */
interface RunProvenance {
  readonly campaignId: string | null;
  readonly version: string | null;
  readonly build: string | null;
  readonly gitSha: string | null;
  readonly gitDirty: boolean | null;
  /** Fingerprint of the columns and days of prices that it read. */
  readonly data: string | null;
}

/** A backtest run in a list. Figures are null where `metrics_json` lacks them. */
export interface RunRow {
  readonly runId: string;
  readonly sleeveId: string;
  /** `basic`, `context`; with `+lambda` when λ̂ moved the universe. */
  readonly backend: string;
  readonly start: string;
  readonly end: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Its figures were written: it ended. */
  readonly complete: boolean;
  readonly cumulativeReturn: number | null;
  readonly volatility: number | null;
  readonly sharpe: number | null;
  readonly maxDrawdown: number | null;
  readonly trades: number | null;
  readonly turnoverPerDay: number | null;
  readonly breakEvenCostBp: number | null;
  readonly equalWeightReturn: number | null;
  readonly buyAndHoldReturn: number | null;
  readonly activeReturn: number | null;
  readonly beta: number | null;
  /** Equal hashes are equal trades to the last bit. */
  readonly tradeListHash: string | null;
  /** What to know first: `same-close, no costs: not tradable`, `survivors only`, both, or empty. */
  readonly caveat: string;
  readonly demo: boolean;
  readonly provenance: RunProvenance;
  /** At most 60 points, the first and the last day among them. */
  readonly spark: readonly number[];
}

/** A run day by day. */
export interface RunDetail extends RunRow {
  readonly config: Readonly<Record<string, unknown>>;
  readonly days: readonly string[];
  readonly equity: readonly (number | null)[];
  /** Equity over its running peak − 1. */
  readonly drawdown: readonly (number | null)[];
  /** Every figure that days record of themselves, by name, one value a day. */
  readonly exposures: Readonly<Record<string, readonly (number | null)[]>>;
  /** Trades by day. */
  readonly tradesByDay: readonly number[];
  /** Returns of calendar months, `2014-01` …; the first from the first day's equity on. */
  readonly monthly: readonly { readonly month: string; readonly value: number }[];
}

/** A run with what a page shows beside its days. */
export interface ReportedRun extends RunDetail {
  /** The last trades, ascending. */
  readonly lastTrades: readonly (ComparedTrade & { readonly cause: string | null })[];
}

/** The same figure of both runs. `difference` is B − A; an interval is null where there are too few days for it. */
export interface ComparedFigure {
  readonly name: string;
  readonly unit: FigureUnit;
  readonly a: number | null;
  readonly b: number | null;
  readonly difference: number | null;
  readonly intervalA?: readonly [number, number] | null;
  readonly intervalB?: readonly [number, number] | null;
  readonly interval?: readonly [number, number] | null;
}

/** What may make two runs differ: what made them, what they saw, how long, and what they were asked to do. */
export type DifferenceKind = 'code' | 'data' | 'period' | 'config';

export interface Difference {
  readonly kind: DifferenceKind;
  readonly name: string;
  readonly a: unknown;
  readonly b: unknown;
  /** Keys of one choice share it (the backend and its model; λ̂, its column and its weight); absent for mere names. */
  readonly cause?: string;
}

/** Mean daily returns in basis points over some of the shared days, told by what was known the day before. */
export interface ComparedSlice extends ComparedFigure {
  readonly by: string;
  readonly days: number;
}

export interface ComparedTrade {
  readonly date: string;
  readonly ticker: string;
  readonly direction: string;
  readonly size: number;
  readonly price: number;
}

/** One run of a comparison. */
export interface ComparedRun {
  readonly runId: string;
  readonly sleeveId: string;
  readonly marketId: string;
  readonly backend: string;
  readonly start: string;
  readonly end: string;
  readonly caveat: string;
  /** Equal for runs that made the same trades. */
  readonly trial: string;
  /** Joint model and head that the context backend assessed by; null for others. */
  readonly contextModel: string | null;
  readonly assessmentModel: string | null;
  /** Share of the days and instruments with 63 days of prices that the context backend had a context for; null for others. */
  readonly contextCoverage: number | null;
  /** The same for each branch that a context is joined of; null where that was not recorded. */
  readonly contextBranches: Readonly<Record<string, number>> | null;
  /** Information coefficient that a fitted head goes by; 0 when it says 0 of every name; null where there is no such head. */
  readonly contextIc: number | null;
  /** Why that head was not judged, where it says 0 because of that; else null. */
  readonly contextNotJudged: string | null;
  /** What it used that had learnt from its own days, with the last day of each; null for an honest run. */
  readonly inSample: Readonly<Record<string, string>> | null;
}

/** Two runs over the days that both have. */
export interface RunComparison {
  readonly a: ComparedRun;
  readonly b: ComparedRun;
  /** Origin first, then choices. */
  readonly differences: readonly Difference[];
  /** The one cause that the difference isolates; null when there are several, none, or the origin is not known. */
  readonly isolates: string | null;
  /** What may be concluded from the difference, in a sentence. */
  readonly attribution: string;
  /** Shared days, and those of one run only. */
  readonly days: { readonly shared: number; readonly onlyA: number; readonly onlyB: number };
  readonly first: string | null;
  readonly last: string | null;
  readonly figures: readonly ComparedFigure[];
  /** Returns and Sharpe ratios after further costs on what was traded. */
  readonly costs: readonly {
    readonly bp: number;
    readonly cumulative: ComparedFigure;
    readonly sharpe: ComparedFigure;
  }[];
  readonly years: readonly (ComparedFigure & { readonly days: number })[];
  /** Means over the shared days of what each day records of itself. */
  readonly exposures: readonly ComparedFigure[];
  readonly slices: readonly ComparedSlice[];
  /** Slices that could not be made, and why. */
  readonly missing: readonly string[];
  /** What is to be kept in mind of the intervals; null when nothing is. */
  readonly caution: string | null;
  readonly trades: {
    readonly same: number;
    /** Same day, name and side, another size or price. */
    readonly changed: number;
    readonly onlyA: number;
    readonly onlyB: number;
    readonly firstDivergence: string | null;
    readonly examplesA: readonly ComparedTrade[];
    readonly examplesB: readonly ComparedTrade[];
  };
  /** The difference of the Sharpe ratios lies beyond its interval, over days enough for a verdict. */
  readonly beyondNoise: boolean;
  readonly verdict: string;
}

export interface Comparison {
  /** How the runs are called: `basic` and `context`, or `A` and `B`. */
  readonly names: readonly [string, string];
  readonly pairs: readonly RunComparison[];
  /** Coverage of each interval: 95 % over all pairs together. */
  readonly coverage: number;
  readonly draws: number;
  /** Distinct runs on record over these days. */
  readonly trials: number;
  readonly verdict: string;
}
