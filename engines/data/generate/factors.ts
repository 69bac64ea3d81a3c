/** What all companies share: volatility regimes, the market factor, and one factor a sector. */
import { exp, Random } from '../../../src/platform/random.ts';
import { SECTORS } from './sectors.ts';
import { STREAM } from './streams.ts';

/** Regimes. */
export const CALM = 0;
export const NERVOUS = 1;
export const CRISIS = 2;

const TRADING_DAYS_A_YEAR = 252;
export const DAILY = 1 / TRADING_DAYS_A_YEAR;
/** From annualised to daily volatility. */
export const DAILY_VOL = Math.sqrt(DAILY);

/** Probability a day of moving from a regime (row) to another (column): mean stays of about 240, 58 and 35 trading days. */
const TRANSITIONS = [
  [0, 1 / 260, 1 / 3000],
  [1 / 75, 0, 1 / 260],
  [1 / 160, 1 / 45, 0],
];
/** Annualised volatility of the market factor by regime. */
const MARKET_VOL = [0.105, 0.185, 0.4];
/** Annualised drift of the market factor by regime; over the stays above about 6 % a year. */
const MARKET_DRIFT = [0.12, 0.04, -0.38];
/** What a regime multiplies sector and company volatility by. */
const SECTOR_STRESS = [1, 1.3, 2];
export const COMPANY_STRESS = [1, 1.15, 1.6];

/** Log volatility inside a regime is an AR(1): persistence a day and the standard deviation of its innovations. */
const CLUSTERING = { persistence: 0.96, innovation: 0.085 };

export interface Factors {
  /** Regime of each trading day: 0 calm, 1 nervous, 2 crisis. */
  readonly regimes: Uint8Array;
  /** Log return of the market factor on each trading day. */
  readonly market: Float64Array;
  /** Its volatility that day (standard deviation of a day's log return). */
  readonly marketVol: Float64Array;
  /** The same for each sector factor, in the order of SECTORS. */
  readonly sectors: readonly Float64Array[];
  readonly sectorVols: readonly Float64Array[];
}

/** The factors of `days` trading days. They depend on the seed alone: more days keep the earlier ones. */
export function generateFactors(seed: number, days: number): Factors {
  const regimes = regimePath(new Random(seed, STREAM.regime), days);
  const market = factorPath(new Random(seed, STREAM.market), regimes, MARKET_VOL, MARKET_DRIFT);
  const sectors = SECTORS.map((sector, s) =>
    factorPath(
      new Random(seed, STREAM.sector, s),
      regimes,
      SECTOR_STRESS.map((stress) => stress * sector.sectorVol),
      [0, 0, 0],
    ),
  );
  return {
    regimes,
    market: market.returns,
    marketVol: market.vols,
    sectors: sectors.map((path) => path.returns),
    sectorVols: sectors.map((path) => path.vols),
  };
}

/** A Markov chain that starts calm. */
function regimePath(random: Random, days: number): Uint8Array {
  const path = new Uint8Array(days);
  let regime: number = CALM;
  for (let t = 0; t < days; t++) {
    path[t] = regime;
    let u = random.uniform();
    for (let to = 0; to < TRANSITIONS.length; to++) {
      u -= TRANSITIONS[regime][to];
      if (u < 0) {
        regime = to;
        break;
      }
    }
  }
  return path;
}

function factorPath(
  random: Random,
  regimes: Uint8Array,
  annualVol: readonly number[],
  annualDrift: readonly number[],
): { returns: Float64Array; vols: Float64Array } {
  const returns = new Float64Array(regimes.length);
  const vols = new Float64Array(regimes.length);
  const clustering = new VolatilityClustering(CLUSTERING.persistence, CLUSTERING.innovation);
  for (let t = 0; t < regimes.length; t++) {
    const regime = regimes[t];
    const vol = annualVol[regime] * DAILY_VOL * clustering.next(random.normal());
    vols[t] = vol;
    returns[t] = annualDrift[regime] * DAILY + vol * random.fatTailed();
  }
  return { returns, vols };
}

/** Multiplier of volatility with mean square 1 whose logarithm is an AR(1) process. */
export class VolatilityClustering {
  #level = 0;
  readonly #persistence: number;
  readonly #innovation: number;
  /** Variance of the logarithm: E[exp(2h)] = exp(2·variance), which is taken out. */
  readonly #variance: number;

  constructor(persistence: number, innovation: number) {
    this.#persistence = persistence;
    this.#innovation = innovation;
    this.#variance = (innovation * innovation) / (1 - persistence * persistence);
  }

  next(normal: number): number {
    this.#level = this.#persistence * this.#level + this.#innovation * normal;
    return exp(this.#level - this.#variance);
  }
}
