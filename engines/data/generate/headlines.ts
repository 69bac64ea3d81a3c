/** The words of an article: templates of ours, filled from the article and a random stream of its own. */
import { civilFromDay, dayOfInstant } from '../../../src/platform/dates.ts';
import { exp, Random } from '../../../src/platform/random.ts';
import type { Article, Topic } from './news-plan.ts';
import { SECTORS } from './sectors.ts';
import { STREAM } from './streams.ts';

export interface ArticleText {
  readonly headline: string;
  /** A few sentences; null for articles that are a headline alone. */
  readonly body: string | null;
}

const SHARE_WITH_BODY = 0.4;

/**
 * Placeholders: {c} company, {s} its short name, {p} peer, {x} product, {d} driver of the sector, {sector}, {q} quarter as an adjective, {quarter} as a noun,
 * {move} size of the price move in per cent, {cash} dollars a share, {eps} dollars earned a share, {growth} a small per cent,
 * {amount} millions of dollars, {ratio} split ratio, {broker} a research house, {city}.
 */
const HEADLINES: Record<Topic, readonly string[]> = {
  earningsPreview: [
    '{c} to report {q} results next week',
    'What to watch in the {q} results of {c}',
    'Analysts expect {s} to earn {eps} a share in the {quarter}',
  ],
  earningsBeat: [
    '{c} {q} profit beats estimates',
    '{c} tops forecasts with {q} earnings of {eps} a share',
    '{s} {q} revenue rises {growth} percent, ahead of expectations',
    'Strong demand for {x} lifts {s} {q} profit',
  ],
  earningsMiss: [
    '{c} {q} profit misses estimates',
    '{c} falls short with {q} earnings of {eps} a share',
    '{s} {q} revenue drops {growth} percent as sales of {x} weaken',
    'Higher costs weigh on {s} {q} profit',
  ],
  earningsInLine: [
    '{c} {q} results in line with estimates',
    '{c} posts {q} earnings of {eps} a share, as expected',
    '{s} {q} revenue little changed',
  ],
  guidanceRaised: [
    '{c} raises full-year outlook',
    '{s} lifts profit forecast on demand for {x}',
    '{c} sees higher margins this year',
  ],
  guidanceCut: [
    '{c} cuts full-year outlook',
    '{s} lowers profit forecast, citing {d}',
    '{c} warns of weaker sales this year',
  ],
  goodNews: [
    '{c} wins {amount} million contract for {x}',
    '{s} says new line in {x} passes final test',
    '{c} settles dispute, lifting cloud over {x}',
    'Activist investor takes stake in {c}',
    '{s} to sell {x} unit for {amount} million',
  ],
  badNews: [
    '{c} chief executive steps down unexpectedly',
    'Regulators open inquiry into {c} over {x}',
    '{s} recalls product, halts part of {x}',
    '{c} loses key customer in {x}',
    '{s} discloses data breach and takes {amount} million charge',
  ],
  sharesUp: [
    '{c} shares jump {move} percent',
    '{s} shares rise {move} percent after news',
    "{c} among the day's top gainers, up {move} percent",
  ],
  sharesDown: [
    '{c} shares slide {move} percent',
    '{s} shares fall {move} percent after news',
    "{c} among the day's worst performers, down {move} percent",
  ],
  splitAnnounced: ['{c} announces {ratio} stock split', '{c} board approves {ratio} split of its shares'],
  split: ['{c} shares begin trading after {ratio} split', '{s} {ratio} stock split takes effect'],
  dividend: ['{c} declares quarterly dividend of {cash} a share', '{s} keeps quarterly payout at {cash}'],
  dividendRaised: ['{c} raises quarterly dividend to {cash} a share', '{s} board lifts payout to {cash} a share'],
  listed: ['{c} prices offering at {cash} a share, starts trading', '{c} makes market debut at {cash} a share'],
  distress: ['{c} warns of doubt about its ability to continue', '{c} hires advisers as debt payments near'],
  bankruptcy: ['{c} files for bankruptcy protection', '{c} seeks court protection from creditors'],
  delisted: [
    '{c} shares to be delisted after bankruptcy filing',
    'Trading in {c} ends, holders to get {cash} a share at most',
  ],
  offer: ['{c} agrees to be bought by {p} for {cash} a share', '{p} to acquire {c} at {cash} a share in cash'],
  acquired: ['Buyer completes purchase of {c} at {cash} a share', '{c} shares cease trading as {cash} deal closes'],
  sectorUp: [
    '{sector} shares rally on {d}, {s} gains',
    '{s} climbs with {sector} peers as {d} improves',
    '{s} and {p} higher as {d} lifts {sector}',
  ],
  sectorDown: [
    '{sector} shares drop on {d}, {s} slips',
    '{s} retreats with {sector} peers on worries about {d}',
    '{s} and {p} lower as {d} hits {sector}',
  ],
  marketUp: [
    'US stocks end sharply higher, {s} follows the market',
    'Wall Street rallies {move} percent, {s} among the risers',
  ],
  marketDown: [
    'US stocks end sharply lower, {s} follows the market',
    'Wall Street sinks {move} percent, {s} among the losers',
  ],
  ratingRaised: ['{broker} raises {c} to buy', '{broker} upgrades {s}, citing {x}'],
  ratingCut: ['{broker} cuts {c} to sell', '{broker} downgrades {s}, citing {d}'],
  rivals: [
    '{c} and {p} form venture in {x}',
    '{s} challenges {p} in {x}',
    '{c} hires finance chief from {p}',
    '{s} and {p} settle patent case',
  ],
  filler: [
    '{c} opens new site in {city}',
    '{c} names head of {x}',
    '{s} to present at investor conference in {city}',
    '{c} publishes sustainability report',
    '{s} renews credit line of {amount} million',
    '{c} sponsors training programme in {city}',
    '{s} expands {x} to {city}',
    '{c} appoints new director to its board',
    '{s} completes sale of bonds worth {amount} million',
  ],
};

/** Headlines of an offer that names no second company. */
const OFFER_ALONE = [
  '{c} agrees to be taken private for {cash} a share',
  'Investor group to acquire {c} at {cash} a share in cash',
];
const NAMES_PEER = /\{p\}/;

const SENTENCES: readonly string[] = [
  'The company, of the {sector} sector and known for {x}, gave no further details.',
  '{c} said its business in {x} was developing as planned.',
  'Investors have followed {d} closely this quarter.',
  'A spokesman in {city} declined to comment beyond the statement.',
  'The {quarter} was shaped by {d}, the company said.',
  'Analysts at {broker} said the step was of limited importance for earnings.',
  '{s} employs staff in {city} and sells {x} across the country.',
  'Trading volume was reported by the exchange after the session.',
];

const QUARTERS = ['first quarter', 'second quarter', 'third quarter', 'fourth quarter'];
const BROKERS = ['Haldenrow Research', 'Orrin & Pyke', 'Westmoor Quay', 'Calderlane Partners', 'Brightvale Equity'];
const CITIES = ['Ohio', 'Texas', 'Georgia', 'Oregon', 'Nevada', 'Utah', 'Maine', 'Kansas', 'Virginia', 'Arizona'];

/** Headline and body of an article; a pure function of (seed, article). */
export function writeArticle(seed: number, article: Article): ArticleText {
  const random = new Random(seed, STREAM.wording, article.company.index, article.number);
  const fill = filler(article, random);
  const headline = fill(random.pick(templatesFor(article)));
  if (random.uniform() >= SHARE_WITH_BODY) return { headline, body: null };
  const first = random.below(SENTENCES.length);
  const second = (first + 1 + random.below(SENTENCES.length - 1)) % SENTENCES.length;
  return { headline, body: `${headline}. ${fill(SENTENCES[first])} ${fill(SENTENCES[second])}` };
}

function templatesFor(article: Article): readonly string[] {
  if (article.peer) {
    // A linked second company must be named.
    return HEADLINES[article.topic].filter((template) => NAMES_PEER.test(template));
  }
  if (article.topic === 'offer') return OFFER_ALONE;
  return HEADLINES[article.topic].filter((template) => !NAMES_PEER.test(template));
}

function filler(article: Article, random: Random): (template: string) => string {
  const { company, peer, value } = article;
  const sector = SECTORS[company.sector];
  // Drawn once, so that headline and body agree.
  const product = random.pick(sector.products);
  const driver = random.pick(sector.drivers);
  const eps = `$${(0.08 + 2.2 * random.uniform()).toFixed(2)}`;
  const growth = (1 + random.below(180) / 10).toFixed(1);
  const amount = `$${5 * (3 + random.below(180))}`;
  const broker = random.pick(BROKERS);
  const city = random.pick(CITIES);
  // Results speak of the quarter before the one they are published in.
  const quarter = QUARTERS[(Math.floor((civilFromDay(dayOfInstant(article.at)).month - 1) / 3) + 3) % 4];
  const words: Record<string, string> = {
    c: company.name,
    s: company.name.split(' ')[0],
    p: peer?.name ?? '',
    x: product,
    d: driver,
    sector: sector.name,
    q: quarter.replace(' ', '-'),
    quarter,
    move: (Math.abs(exp(value) - 1) * 100).toFixed(1),
    cash: `$${value.toFixed(2)}`,
    eps,
    growth,
    amount,
    ratio: value >= 1 ? `${value}-for-1` : '1-for-10 reverse',
    broker,
    city,
  };
  return (template) => template.replace(/\{(\w+)\}/g, (_, key: string) => words[key]);
}
