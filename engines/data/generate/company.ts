/** The companies of the synthetic market: invented names, fixed traits, and what befalls them. */

import { exp, log, Random } from '../../../src/platform/random.ts';
import { DAILY_VOL } from './factors.ts';
import { SECTORS } from './sectors.ts';
import { STREAM } from './streams.ts';

/** `plain`: trades all the time. The others are listed late, fail, are bought, or trade too little. */
type Fate = 'plain' | 'listed' | 'failed' | 'acquired' | 'illiquid' | 'thin';

export interface Company {
  /** Position in the order of creation; traits and draws depend on (seed, index) alone. */
  readonly index: number;
  /** Six letters: no US exchange gives such a symbol, so it is nobody's. */
  readonly symbol: string;
  readonly instrumentId: string;
  readonly issuerId: string;
  readonly name: string;
  /** Index into SECTORS. */
  readonly sector: number;
  readonly fate: Fate;
  /** First and last trading day, as indices into the market's trading days. */
  readonly first: number;
  readonly last: number;
  /** Trading day on which decline (`failed`) or offer (`acquired`) begins; −1 for the others. */
  readonly turn: number;
  readonly beta: number;
  /** Loading on the sector factor. */
  readonly sectorLoading: number;
  /** Idiosyncratic volatility a day in a calm market (standard deviation of log returns). */
  readonly companyVol: number;
  /** US dollars a share on the first day, before any split. */
  readonly startPrice: number;
  /** Natural logarithm of the usual daily volume in shares. */
  readonly logVolume: number;
  /** Dividends a year as a share of the price; 0 for those that pay none. */
  readonly dividendYield: number;
  /** Reports results, goes ex dividend, on trading days t with t mod 63 equal to this. */
  readonly earningsPhase: number;
  readonly dividendPhase: number;
  /** Results come after the close of the day before they move the price; else before the open of that day. */
  readonly reportsAfterClose: boolean;
  /** Dollars a share above which it splits. */
  readonly splitAbove: number;
}

/** Trading days between results, and between dividends: a quarter. */
export const QUARTER = 63;

const FATES: readonly Fate[] = [
  'failed',
  'acquired',
  'listed',
  'listed',
  'listed',
  'illiquid',
  'thin',
  ...Array<Fate>(13).fill('plain'),
];
/** In a span shorter than this nobody is listed or delisted: there is no room for a before and an after. */
const MIN_DAYS_FOR_FATES = 80;

const SECTOR_DECK = SECTORS.flatMap((sector, s) => Array<number>(sector.cards).fill(s));

const FIRST_PARTS =
  'AVL BRE CAD DOV ELM FEN GAV HUR IRV JOL KEV LUM MEV NOL OZT PEL QUO RAV SOV TEV ULV VEN WEX YAR ZEP BOV CYN DRE FAV GRE HOL KYR LOV MYR NEX ORL PRI RUV SKE TRO VAL WYN ZOL BYR CRE DUV FLO GLY'.split(
    ' ',
  );
const SECOND_PARTS =
  'OVI UKA EZO ILU AWA OKE UVI AXI OZU EJI IVO AGU UMI OXA EBO IKU ADU ESK UND ORN ILK ARV ETH YND OST ULM IRK ACK OPE UZA AFE ODU'.split(
    ' ',
  );
/** As many names as there are. */
export const MAX_COMPANIES = FIRST_PARTS.length * SECOND_PARTS.length;

/** Company `index` of a market of `days` trading days. */
export function generateCompany(seed: number, index: number, days: number): Company {
  const random = new Random(seed, STREAM.traits, index);
  const sector = card(seed, STREAM.sectorDeck, index, SECTOR_DECK);
  const dealt = card(seed, STREAM.fateDeck, index, FATES);
  const shortSpan = days < MIN_DAYS_FOR_FATES && (dealt === 'listed' || dealt === 'failed' || dealt === 'acquired');
  const fate = shortSpan ? 'plain' : dealt;
  const about = SECTORS[sector];
  const symbol = symbolOf(seed, index);

  // Drawn in this order whatever the fate is, so that every trait keeps its place in the stream.
  const suffix = random.pick(about.suffixes);
  const beta = Math.max(0.2, about.beta + 0.15 * random.normal());
  const sectorLoading = random.between(0.7, 1.2);
  const companyVol = about.companyVol * exp(0.2 * random.normal()) * DAILY_VOL;
  const startPrice = Math.round(100 * exp(random.between(log(14), log(95)))) / 100;
  const liquidity = random.uniform();
  const pays = random.uniform() < 0.65;
  const yieldFactor = random.between(0.6, 1.5);
  const earningsPhase = random.below(QUARTER);
  const dividendPhase = random.below(QUARTER);
  const reportsAfterClose = random.uniform() < 0.55;
  const splitAbove = random.between(110, 320);
  const life = lifeOf(fate, days, random.uniform(), random.uniform());

  return {
    index,
    symbol,
    instrumentId: `${symbol}.US`,
    issuerId: symbol,
    name: `${symbol[0]}${symbol.slice(1).toLowerCase()} ${suffix}`,
    sector,
    fate,
    ...life,
    beta,
    sectorLoading,
    companyVol,
    startPrice,
    logVolume: logVolumeOf(fate, liquidity),
    dividendYield: pays ? about.dividendYield * yieldFactor : 0,
    earningsPhase,
    dividendPhase,
    reportsAfterClose,
    splitAbove,
  };
}

/** Deals shuffled decks one after the other: every run of `cards.length` companies holds each card once. */
function card<T>(seed: number, stream: number, index: number, cards: readonly T[]): T {
  const deck = Math.floor(index / cards.length);
  return cards[new Random(seed, stream, deck).permutation(cards.length)[index % cards.length]];
}

/** A symbol for every index below MAX_COMPANIES, no two alike: i → a·i + b modulo the number of names. */
function symbolOf(seed: number, index: number): string {
  const offset = new Random(seed, STREAM.names).below(MAX_COMPANIES);
  // 607 is prime and divides no such number, so the map is one to one; neighbours look unlike.
  const at = (offset + 607 * index) % MAX_COMPANIES;
  return FIRST_PARTS[at % FIRST_PARTS.length] + SECOND_PARTS[Math.floor(at / FIRST_PARTS.length)];
}

/** First and last trading day and turning point from two uniform draws. */
function lifeOf(fate: Fate, days: number, u: number, v: number): Pick<Company, 'first' | 'last' | 'turn'> {
  if (fate === 'listed') return { first: Math.floor(days * (0.08 + 0.62 * u)), last: days - 1, turn: -1 };
  if (fate === 'failed') {
    const last = Math.floor(days * (0.3 + 0.62 * u));
    return { first: 0, last, turn: last - Math.min(Math.floor(last / 2), 130 + Math.floor(200 * v)) };
  }
  if (fate === 'acquired') {
    const last = Math.floor(days * (0.25 + 0.67 * u));
    return { first: 0, last, turn: last - Math.min(Math.floor(last / 2), 30 + Math.floor(60 * v)) };
  }
  return { first: 0, last: days - 1, turn: -1 };
}

/** Usual volume: 300 thousand to 30 million shares a day; far under, or about, the liquidity filter of 100,000 for two fates. */
function logVolumeOf(fate: Fate, u: number): number {
  const [low, high] =
    fate === 'illiquid' ? [15_000, 60_000] : fate === 'thin' ? [80_000, 130_000] : [300_000, 30_000_000];
  return log(low) + u * (log(high) - log(low));
}
