/**
 * Random numbers that are equal on every machine: a seeded generator, and `exp`, `log` and the normal quantile made of
 * + − × ÷ and square root alone, which IEEE 754 fixes to the last bit. (`Math.exp` and `Math.log` may differ in it between
 * engines, and one bit at the start of a price path moves every price after it.)
 */

const TWO_32 = 4_294_967_296;

/**
 * xoshiro128** (D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021), seeded by splitmix32.
 * A stream is named by numbers, `new Random(seed, STREAM, index)`, so that it depends on its own name and on nothing
 * else that was drawn before.
 */
export class Random {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  /** @param seed non-negative safe integer. @param path integers that name the stream below the seed. */
  constructor(seed: number, ...path: readonly number[]) {
    let state = mix(seed | 0) ^ mix(Math.floor(seed / TWO_32) + 0x51ed270b);
    for (const part of path) state = mix((state + 0x9e3779b9) ^ mix(part | 0));
    const next = () => mix((state = (state + 0x9e3779b9) | 0));
    this.#s0 = next();
    this.#s1 = next();
    this.#s2 = next();
    this.#s3 = next() | 1; // the all-zero state would stay zero for ever
  }

  /** 32 random bits as an integer in [0, 2^32). */
  bits(): number {
    const s1 = this.#s1;
    const scrambled = Math.imul(s1, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    this.#s2 ^= this.#s0;
    this.#s3 ^= s1;
    this.#s1 = s1 ^ this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= s1 << 9;
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21);
    return result >>> 0;
  }

  /** Uniform in the open interval (0, 1), on a grid of 2^32 points. */
  uniform(): number {
    return (this.bits() + 0.5) / TWO_32;
  }

  /** Uniform in (low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Uniform integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** One element of a list, each as likely. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** Standard normal; exactly one draw each, so that streams keep in step. */
  normal(): number {
    return normalQuantile(this.uniform());
  }

  /** Normal with fat tails and variance 1: one draw in `1/RARE` has WIDE times the scale of the others. */
  fatTailed(): number {
    const scale = this.uniform() < RARE ? WIDE * COMMON_SCALE : COMMON_SCALE;
    return scale * this.normal();
  }

  /** 0 … count−1 in random order (Fisher–Yates). */
  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

const RARE = 0.05;
const WIDE = 2.6;
const COMMON_SCALE = 1 / Math.sqrt(1 - RARE + RARE * WIDE * WIDE);

/** Finalizer of splitmix32: 32 bits in, 32 well-mixed bits out. */
function mix(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** 2^k at index k + 1022, by exact doubling. */
const POWERS = powersOfTwo(-1022, 1023);

function powersOfTwo(from: number, to: number): Float64Array {
  const powers = new Float64Array(to - from + 1);
  powers[-from] = 1;
  for (let k = -from + 1; k < powers.length; k++) powers[k] = powers[k - 1] * 2;
  for (let k = -from - 1; k >= 0; k--) powers[k] = powers[k + 1] / 2;
  return powers;
}

/** e^x for |x| ≤ 700, within 1 unit in the last place (fdlibm's rational approximation). */
export function exp(x: number): number {
  const k = Math.round(x * Math.LOG2E);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const t = r * r;
  const c =
    r -
    t *
      (0.16666666666666602 +
        t *
          (-0.0027777777777015593 +
            t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))));
  return (1 - (low - (r * c) / (2 - c) - high)) * POWERS[k + 1022];
}

const bitsOf = new DataView(new ArrayBuffer(8));

/** Natural logarithm of a positive normal number, within 1 unit in the last place (fdlibm). */
export function log(x: number): number {
  bitsOf.setFloat64(0, x);
  const word = bitsOf.getInt32(0);
  // Mantissa into [√½, √2), so that the series below converges fast.
  const carry = ((word & 0xfffff) + 0x95f64) & 0x100000;
  const k = (word >> 20) - 1023 + (carry >> 20);
  bitsOf.setInt32(0, (word & 0xfffff) | (carry ^ 0x3ff00000));
  const f = bitsOf.getFloat64(0) - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd = z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  const half = 0.5 * f * f;
  return k * LN2_HIGH - (half - (s * (half + even + odd) + k * LN2_LOW) - f);
}

/** Coefficients from the highest power down. */
function horner(coefficients: readonly number[], x: number): number {
  let sum = coefficients[0];
  for (let i = 1; i < coefficients.length; i++) sum = sum * x + coefficients[i];
  return sum;
}

// Algorithm AS 241 (M. J. Wichura, Applied Statistics 37, 1988), PPND16: numerator and denominator of three ranges.
const CENTRE_NUMERATOR = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
];
const CENTRE_DENOMINATOR = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
];
const TAIL_NUMERATOR = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const TAIL_DENOMINATOR = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
const FAR_NUMERATOR = [
  2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
  1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const FAR_DENOMINATOR = [
  2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
  0.1369298809227358, 0.599832206555888, 1,
];

/** The x with Φ(x) = p for 0 < p < 1, to about 1e-16 relative. */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * horner(CENTRE_NUMERATOR, r)) / horner(CENTRE_DENOMINATOR, r);
  }
  const r = Math.sqrt(-log(q < 0 ? p : 1 - p));
  const x =
    r <= 5
      ? horner(TAIL_NUMERATOR, r - 1.6) / horner(TAIL_DENOMINATOR, r - 1.6)
      : horner(FAR_NUMERATOR, r - 5) / horner(FAR_DENOMINATOR, r - 5);
  return q < 0 ? -x : x;
}
