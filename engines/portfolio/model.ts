/** Portfolio `basic-longonly-v1`: weights in proportion to universe scores under a cap on each name. Source: contracts §2. */

const MAXIMUM_WEIGHT = 0.1;

/**
 * Long-only weights, written into `weights` (N, zero elsewhere). `members` are instrument indices by (score desc, id asc);
 * `score` is over N. Names whose share would exceed the cap get the cap and leave at once, the rest share what remains;
 * passes repeat until nothing changes. The weights sum to 1 unless there is no member.
 */
export function longOnlyWeights(members: Int32Array, score: Float64Array, weights: Float64Array): void {
  weights.fill(0);
  const n = members.length;
  if (n === 0) return;
  const base = new Float64Array(n);
  let baseSum = 0;
  for (let k = 0; k < n; k++) baseSum += base[k] = Math.max(0, score[members[k]]);
  if (baseSum <= 0) {
    base.fill(1);
    baseSum = n;
  }
  const capped = new Uint8Array(n);
  let mass = 1;
  for (let changed = true; changed; ) {
    changed = false;
    for (let k = 0; k < n; k++) {
      if (capped[k] || baseSum <= 0) continue;
      const share = (base[k] / baseSum) * mass;
      if (share > MAXIMUM_WEIGHT) {
        weights[members[k]] = MAXIMUM_WEIGHT;
        capped[k] = 1;
        mass -= MAXIMUM_WEIGHT;
        baseSum -= base[k];
        changed = true;
      }
    }
  }
  let total = 0;
  for (let k = 0; k < n; k++) {
    if (!capped[k] && baseSum > 0) weights[members[k]] = (base[k] / baseSum) * mass;
    total += weights[members[k]];
  }
  for (let k = 0; k < n; k++) weights[members[k]] /= total;
}
