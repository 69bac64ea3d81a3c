/** What reports hold. Data only: shared by the command line, the console and pages. */

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

/** Returns of a run's days by thirds of the mean λ̂ of its universe. */
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
}

export interface LambdaOverview {
  readonly heat: LambdaHeat | null;
  readonly forecasts: readonly LambdaForecast[];
  readonly buckets: readonly LambdaBuckets[];
  readonly weights: readonly LambdaWeightPoint[];
  readonly trials: { readonly recorded: number; readonly distinct: number };
}
