/** Risk: a cap on the absolute weight of each name. What is cut stays in cash. Source: contracts §2. */

const MAXIMUM_ABSOLUTE_WEIGHT = 0.05;
const TOLERANCE = 1e-9;

/** Caps `weights` in place (no renormalisation); returns how many names were cut. */
export function capWeights(weights: Float64Array): number {
  let cut = 0;
  for (let i = 0; i < weights.length; i++) {
    if (Math.abs(weights[i]) > MAXIMUM_ABSOLUTE_WEIGHT + TOLERANCE) {
      weights[i] = Math.sign(weights[i]) * MAXIMUM_ABSOLUTE_WEIGHT;
      cut++;
    }
  }
  return cut;
}
