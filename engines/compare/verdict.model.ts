/** What a comparison says over all of its pairs, and whether it is evidence. Pure. */
import { LEAST_SHARED_DAYS, tooFewShared } from '../../src/platform/shared-days.ts';
import type { RunComparison } from '../../src/report/types.ts';
import { haveSameTrades, sharpeOf } from './model.ts';

/** What came out over all pairs, in a sentence, how many of them are one, and that a head without an opinion has none. */
export function overall(names: readonly [string, string], pairs: readonly RunComparison[]): string {
  const seen = pairs.some(isInSample) ? `In-sample, no evidence: ${IN_SAMPLE}. ` : '';
  return `${seen}${judged(names, pairs)}${repeated(pairs)}${silent(pairs)}`;
}

/** That a head says 0 of every name: because it found nothing, or because nobody could judge it. */
function silent(pairs: readonly RunComparison[]): string {
  const heads = pairs.flatMap(({ a, b }) => [a, b]).filter(({ contextIc }) => contextIc === 0);
  if (heads.length === 0) return '';
  const why = heads.find(({ contextNotJudged }) => contextNotJudged !== null)?.contextNotJudged;
  const found = why ? `was not judged: ${why}. It` : 'found nothing in its training and';
  return ` The context head ${found} says 0 of every name: what is compared is having no opinion.`;
}

const IN_SAMPLE = 'runs used what has learnt from their own days';
const isInSample = ({ a, b }: RunComparison): boolean => a.inSample !== null || b.inSample !== null;

/** Sleeves that came to the same trades are one finding, however many there are. */
function repeated(pairs: readonly RunComparison[]): string {
  const distinct = new Set(pairs.map(({ a, b }) => `${a.trial} ${b.trial}`)).size;
  if (distinct === pairs.length) return '';
  return ` Only ${distinct} of the ${pairs.length} pairs ${distinct === 1 ? 'is' : 'are'} of different trades: the others say the same again.`;
}

function judged([a, b]: readonly [string, string], pairs: readonly RunComparison[]): string {
  if (pairs.length === 1) return `${pairs[0].verdict} ${pairs[0].attribution}`;
  const open = pairs.filter((pair) => !hasVerdict(pair));
  if (open.length === pairs.length)
    return `No verdict on ${b} against ${a} in any of ${pairs.length} sleeves: ${whyOpen(pairs)}.`;
  const unknown = open.length === 0 ? '' : ` No verdict in ${open.map((pair) => pair.b.sleeveId).join(', ')}.`;
  const beyond = pairs.filter((pair) => pair.beyondNoise);
  const where = beyond.map((pair) => pair.b.sleeveId).join(', ');
  const apart = pairs.filter((pair) => !pair.isolates).length;
  const cause =
    apart === 0 ? '' : ` In ${apart} of ${pairs.length} pairs the difference is not due to one cause alone.`;
  return beyond.length === 0
    ? `No evidence that ${b} differs from ${a} in any of ${pairs.length - open.length} sleeves.${unknown}${cause}`
    : `${b} differs from ${a} by more than noise in ${beyond.length} of ${pairs.length} sleeves (${where}).${unknown}${cause}`;
}

const isShort = ({ days }: RunComparison): boolean => days.shared < LEAST_SHARED_DAYS;

/** Why none of these pairs has a verdict. */
const whyOpen = (pairs: readonly RunComparison[]): string =>
  pairs.every(isShort)
    ? tooFewShared(Math.max(...pairs.map(({ days }) => days.shared)))
    : 'the days that they share do not tell';

/** Whether the shared days tell anything: equal trades, or an interval over days enough. Without either nothing was compared. */
const hasVerdict = (pair: RunComparison): boolean =>
  haveSameTrades(pair.trades) || (Boolean(sharpeOf(pair.figures).interval) && !isShort(pair));

/** Why a comparison is no evidence for the board: the first thing that is wrong with its pairs; '' when it is one. */
export function shortcoming(pairs: readonly RunComparison[], tradingDays: (pair: RunComparison) => number): string {
  if (pairs.some(isInSample)) return IN_SAMPLE;
  for (const pair of pairs) {
    const due = tradingDays(pair);
    if (pair.days.shared < due)
      return `${pair.b.sleeveId}: both runs have equity on ${pair.days.shared} of ${due} trading days only`;
  }
  const short = pairs.find(isShort);
  if (short) return `${short.b.sleeveId}: ${tooFewShared(short.days.shared)}`;
  const open = pairs.find((pair) => !hasVerdict(pair));
  if (open) return `${open.b.sleeveId}: ${open.verdict}`;
  const unclean = pairs.filter((pair) => pair.isolates !== 'assessment');
  return unclean.length === 0
    ? ''
    : `${unclean.length} of ${pairs.length} pairs differ by more than the assessment: ${unclean[0].attribution}`;
}
