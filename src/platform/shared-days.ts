/**
 * Fewest days that two runs must share for a verdict on their difference. Of two runs of equal mean the 95 % interval of a block bootstrap
 * misses 0 in 12.8 % of samples of 21 days, and in 6.8 to 7.8 % of 42 to 126, where 5 % is promised: a quarter of a year is
 * the least with which "beyond noise" is not mostly the shortness of the sample.
 */
export const LEAST_SHARED_DAYS = 63;

/** Why so many shared days are too few. */
export const tooFewShared = (days: number): string =>
  `${days} shared ${days === 1 ? 'day is' : 'days are'} too few (${LEAST_SHARED_DAYS} are asked for)`;
