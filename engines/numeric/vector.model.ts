/** Vectors as the table holds them. Pure. */

/** L2 norm of a little-endian float32 vector; NaN when a value is no finite number. */
export function normOf(vector: Buffer): number {
  let sum = 0;
  for (let at = 0; at < vector.length; at += 4) {
    const value = vector.readFloatLE(at);
    sum += value * value;
  }
  return Number.isFinite(sum) ? Math.sqrt(sum) : Number.NaN;
}
