/**
 * What embeddings say of a cluster: the mean of its members' vectors in a few fixed directions, and how far they lie apart.
 * Directions are drawn once from a fixed seed and not learned, so that they know nothing of any day (W. Johnson,
 * J. Lindenstrauss, Contemporary Mathematics 26, 1984).
 */
import { Random } from '../../../src/platform/random.ts';
import type { LambdaPanel } from '../model.ts';
import type { Feature } from './features.ts';

/** Directions in which a mean is looked at. */
const DIRECTIONS = 16;
const SEED = 20_240_601;
/** Share of a cluster's members that must have a vector. */
const LEAST_SHARE = 0.5;
/** Keeps the logarithm of a cluster of equal vectors finite. */
const LEAST_DISPERSION = 1e-12;

/** Gathers the vectors of one model day by day. */
export class ClusterVectors {
  readonly #panel: LambdaPanel;
  readonly #membership: Int32Array;
  readonly #instruments: number;
  readonly #dim: number;
  readonly #name: string;
  /** DIRECTIONS × dim. */
  readonly #directions: Float64Array;
  readonly #means: Float64Array[];
  readonly #dispersion: Float64Array;
  /** First row of the λ panel on each day, and one past the last. */
  readonly #rows: Int32Array;

  /** @param membership D × N, day-major: cluster of each instrument on each day. */
  constructor(name: string, panel: LambdaPanel, membership: Int32Array, instruments: number, dim: number) {
    this.#name = name;
    this.#panel = panel;
    this.#membership = membership;
    this.#instruments = instruments;
    this.#dim = dim;
    const random = new Random(SEED, dim);
    this.#directions = Float64Array.from({ length: DIRECTIONS * dim }, () => random.normal() / Math.sqrt(dim));
    const empty = () => new Float64Array(panel.day.length).fill(Number.NaN);
    this.#means = Array.from({ length: DIRECTIONS }, empty);
    this.#dispersion = empty();
    const days = membership.length / instruments;
    this.#rows = new Int32Array(days + 1);
    for (const d of panel.day) this.#rows[d + 1]++;
    for (let d = 0; d < days; d++) this.#rows[d + 1] += this.#rows[d];
  }

  /** Takes the vectors of day `d`: N × dim, and which of them there are. */
  addDay(d: number, vectors: Float32Array, known: Uint8Array): void {
    const dim = this.#dim;
    const mean = new Float64Array(dim);
    for (let k = this.#rows[d]; k < this.#rows[d + 1]; k++) {
      mean.fill(0);
      let [count, squares] = [0, 0];
      for (let i = 0; i < this.#instruments; i++) {
        if (this.#membership[d * this.#instruments + i] !== this.#panel.cluster[k] || !known[i]) continue;
        count++;
        for (let j = 0, at = i * dim; j < dim; j++, at++) {
          mean[j] += vectors[at];
          squares += vectors[at] * vectors[at];
        }
      }
      if (count < 2 || count < LEAST_SHARE * this.#panel.size[k]) continue;
      let length = 0;
      for (let j = 0; j < dim; j++) {
        mean[j] /= count;
        length += mean[j] * mean[j];
      }
      this.#dispersion[k] = Math.log(Math.max(squares / count - length, LEAST_DISPERSION)) / 2;
      for (let c = 0; c < DIRECTIONS; c++) {
        let sum = 0;
        for (let j = 0; j < dim; j++) sum += this.#directions[c * dim + j] * mean[j];
        this.#means[c][k] = sum;
      }
    }
  }

  /** One column a direction, and the log of the root mean square distance from the mean; NaN on rows without vectors. */
  features(): Feature[] {
    return [
      ...this.#means.map((values, c) => ({ name: `${this.#name}:mean_${c}`, values })),
      { name: `${this.#name}:log_dispersion`, values: this.#dispersion },
    ];
  }
}
