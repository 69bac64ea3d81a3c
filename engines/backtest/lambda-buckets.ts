/** Returns of a run's days by the mean λ̂ of its universe: low, middle and high thirds. Source: contracts §2. */

const BUCKETS = ['low', 'mid', 'high'] as const;

/**
 * The plan's figures pair a day's λ̂ with the same day's return, which is no forecast; `…_next_day_…` (ours) pair it with
 * the return of the day after. A bucket without days has no mean (null).
 * @param lambdaMean per day, NaN where no member has λ̂. @param equity per day, after its fills.
 */
export function lambdaBuckets(lambdaMean: Float64Array, equity: Float64Array): Record<string, number | null> {
  const returnOn = (d: number) => equity[d] / equity[d - 1] - 1;
  const days = Array.from(lambdaMean.keys()).filter((d) => !Number.isNaN(lambdaMean[d]));
  const sameDay = days.filter((d) => d > 0).map((d) => ({ lambda: lambdaMean[d], value: returnOn(d) }));
  const nextDay = days
    .filter((d) => d + 1 < equity.length)
    .map((d) => ({ lambda: lambdaMean[d], value: returnOn(d + 1) }));
  return {
    lambda_bucket_total_num_days: sameDay.length,
    ...bucketFigures(sameDay, 'mean_daily_return', 'num_days', 'lambda_bucket_high_minus_low_return_diff'),
    ...bucketFigures(
      nextDay,
      'next_day_mean_return',
      'next_day_num_days',
      'lambda_bucket_next_day_high_minus_low_return_diff',
    ),
  };
}

/** Means by thirds of λ̂: cut after ⌊n/3⌋ and 2⌊n/3⌋, the rest is high; equal λ̂ keep the order of their days. */
function bucketFigures(
  pairs: readonly { lambda: number; value: number }[],
  meanName: string,
  countName: string,
  differenceName: string,
): Record<string, number | null> {
  const sorted = [...pairs].sort((a, b) => a.lambda - b.lambda);
  const third = Math.floor(sorted.length / 3);
  const cuts = [0, third, 2 * third, sorted.length];
  const figures: Record<string, number | null> = {};
  const means = BUCKETS.map((bucket, b) => {
    const own = sorted.slice(cuts[b], cuts[b + 1]);
    const mean = own.length ? own.reduce((sum, { value }) => sum + value, 0) / own.length : null;
    figures[`lambda_bucket_${bucket}_${meanName}`] = mean;
    figures[`lambda_bucket_${bucket}_${countName}`] = own.length;
    return mean;
  });
  const [low, , high] = means;
  figures[differenceName] = low === null || high === null ? null : high - low;
  return figures;
}
