/** The words of `similar`: the query that they make. */
import { tryParseDay } from '../../platform/dates.ts';
import type { ReadArgs } from '../../supervisor/reads.ts';

type SimilarKey = keyof ReadArgs<'similar'>;

const FLAGS: Readonly<Record<SimilarKey, string>> = {
  model: '--model',
  instrument: '--instrument',
  asOf: '--as-of',
  topK: '--top-k',
  entityType: '--entity-type',
  startDate: '--start-date',
  endDate: '--end-date',
};

const KEYS = Object.keys(FLAGS) as SimilarKey[];
const ENTITY_TYPES = ['INSTRUMENT', 'MARKET', 'SECTOR', 'PORTFOLIO'] satisfies ReadArgs<'similar'>['entityType'][];

export const SIMILAR_USAGE =
  'similar --model ID --instrument ID --as-of YYYY-MM-DD [--top-k N] [--entity-type TYPE] [--start-date DATE --end-date DATE]';

/** The flags of `prometheus similar`, `--flag value` or `--flag=value`; a sentence when one is unknown, missing or wrong. */
export function similarQuery(words: readonly string[]): ReadArgs<'similar'> | string {
  const given: Partial<Record<SimilarKey, string>> = {};
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const [, flag, inline] = /^([^=]*)(?:=(.*))?$/s.exec(word)!;
    const key = KEYS.find((one) => FLAGS[one] === flag);
    if (!key) return `similar has no ${flag} here`;
    const value = inline ?? left.shift();
    if (value === undefined) return `${flag} needs a value`;
    given[key] = value;
  }
  const { model, instrument, asOf, topK = '10', entityType, startDate, endDate } = given;
  const wrongDay = (['asOf', 'startDate', 'endDate'] as const).find(
    (key) => given[key] && tryParseDay(given[key]) === null,
  );
  if (wrongDay) return `${FLAGS[wrongDay]} must be a date, YYYY-MM-DD`;
  if (!model || !instrument || !asOf) {
    const missing = (['model', 'instrument', 'asOf'] as const).find((key) => !given[key])!;
    return `${FLAGS[missing]} is missing`;
  }
  if (!/^[1-9]\d{0,3}$/.test(topK) || Number(topK) > 1000) return '--top-k must be a whole number from 1 to 1,000';
  const type = ENTITY_TYPES.find((one) => one === entityType);
  if (entityType && !type) return `--entity-type must be one of ${ENTITY_TYPES.join(', ')}`;
  return {
    ...{ model, instrument, asOf, topK: Number(topK) },
    ...(type && { entityType: type }),
    ...(startDate && { startDate }),
    ...(endDate && { endDate }),
  };
}
