/**
 * λ̂ for universes: the rows of one experiment, from a CSV or a table, as a score for each instrument and day by its
 * cluster (date, market, sector, class). Source: contracts §2 and §4.
 */
import { createHash } from 'node:crypto';
import { formatDay, tryParseDay } from '../../src/platform/dates.ts';
import type { Database } from '../../src/platform/db/databases.ts';
import { UsageError, UserError } from '../../src/platform/errors.ts';
import { decimalOf } from '../data/csv/numbers.ts';
import { readCsv } from '../data/csv/read.ts';
import { FileProblem } from '../data/csv/source.ts';
import type { Instrument } from '../market/panel.ts';
import { ALLOW_IN_SAMPLE } from '../models/guard.model.ts';
import { type Training, trainingOf } from './ledger.storage.ts';
import { className, sectorOf } from './model.ts';
import { refuseOutcome, requireForecast } from './score-columns.ts';

/** Which λ̂ a campaign uses. */
export interface LambdaChoice {
  readonly source: { readonly csv: string } | { readonly table: string };
  /** Null: the only experiment that the source holds. */
  readonly experimentId: string | null;
  readonly column: string;
  readonly weight: number;
}

export interface LambdaRequest {
  readonly marketId: string;
  readonly instruments: readonly Instrument[];
  /** Day numbers of the D simulated days. */
  readonly days: Int32Array;
  /** D × N, day-major: class on the day, −1 = no state. */
  readonly classCode: Int8Array;
  /** D × N: 1 where the instrument could be held that day, as far as its own history says. */
  readonly eligible: Uint8Array;
  /** Whether a λ̂ may be used on days that its training has seen. */
  readonly allowInSample: boolean;
}

export interface LambdaScores {
  /** D × N on shared memory: λ̂ of the instrument's cluster on exactly that day; NaN without a row. */
  readonly hat: Float64Array;
  readonly experimentId: string;
  /** Last training day over the rows used (`YYYY-MM-DD`); null when neither the source nor the ledger says. */
  readonly trainEnd: string | null;
  /** Last training day of a λ̂ that was used on that day's past; null: none has seen its own future. */
  readonly seenTo: string | null;
  /** Last day whose λ training read, when that is after a day of the range: pairs of the original's models; else null. */
  readonly readsPast: string | null;
  /** Days of the range on which an eligible instrument has a λ̂. */
  readonly daysReached: number;
  /** Share of the eligible instruments that have one, mean over the days that have such instruments; 0 without any. */
  readonly shareReached: number;
  /** SHA-256 over the rows of the range. */
  readonly fingerprint: string;
}

const KEYS = ['as_of_date', 'market_id', 'sector', 'soft_target_class', 'experiment_id'] as const;
const TRAIN_END = 'train_end';
const OWN_TABLE = 'console.lambda_predictions';
/** One row of the source, as text; null where it has no such column or value. */
interface SourceRow {
  readonly experimentId: string;
  readonly date: string;
  readonly market: string;
  readonly sector: string;
  readonly softTargetClass: string;
  readonly value: string | null;
  readonly trainEnd: string | null;
  /** Where it stands, for messages. */
  readonly place: string;
}

/**
 * Reads the experiment's λ̂ for a campaign.
 * @throws UserError for a missing file or table, a wrong experiment or column, a column that is no forecast, a value that is no number,
 * two rows of a cluster and day, no row in the range, clusters of which none is one of the run's instruments, and a λ̂ whose
 * training ended after the day it would be used on, unless that is allowed.
 */
export async function loadLambdaScores(
  runtime: Database,
  choice: LambdaChoice,
  request: LambdaRequest,
): Promise<LambdaScores> {
  const { days, instruments, marketId } = request;
  refuseOutcome(choice.column);
  const name = sourceName(choice);
  const range = { from: formatDay(days[0]), to: formatDay(days[days.length - 1]) };
  const experiments = new Set<string>();
  const values = new Map<string, number>();
  const usedDays = new Set<string>();
  const digest = createHash('sha256');
  const open = new Set(Array.from(days, formatDay));
  const training: { end: string | null; known: boolean } = { end: null, known: true };
  let seenTo: string | null = null;
  const checkUse = (date: string, trainEnd: string, experimentId: string) => {
    if (trainEnd <= date) return;
    if (!request.allowInSample) throw trainedPast(trainEnd, date, experimentId);
    if (seenTo === null || trainEnd > seenTo) seenTo = trainEnd;
  };
  const take = (row: SourceRow) => {
    experiments.add(row.experimentId);
    if (choice.experimentId !== null && row.experimentId !== choice.experimentId) return;
    if (row.market !== marketId || !open.has(row.date) || row.value === null) return;
    const value = decimalOf(row.value.trim());
    if (!Number.isFinite(value)) {
      throw new UserError(`${row.place}: ${choice.column} '${row.value}' is not a number`, 'Choose another column.');
    }
    const key = keyOf(row.date, row.sector, row.softTargetClass);
    if (values.has(key)) {
      throw new UserError(
        `${row.place}: a second λ̂ of ${row.market}|${row.sector}|${row.softTargetClass} on ${row.date}`,
        choice.experimentId === null ? 'Name one experiment: --lambda-experiment-id' : 'Make the predictions anew.',
      );
    }
    if (row.trainEnd === null) training.known = false;
    else {
      checkUse(row.date, row.trainEnd, row.experimentId);
      if (training.end === null || row.trainEnd > training.end) training.end = row.trainEnd;
    }
    values.set(key, value);
    usedDays.add(row.date);
    digest.update(`${key}|${value}\n`);
  };
  if ('csv' in choice.source) await readSourceCsv(choice.source.csv, choice.column, take);
  else await readSourceTable(runtime, choice.source.table, choice, marketId, range, take);

  const experimentId = chosenExperiment(choice, experiments, name);
  if (values.size === 0) {
    throw new UserError(
      `${name} has no ${choice.column} of experiment '${experimentId}' for ${marketId} from ${range.from} to ${range.to}`,
      'Choose a range that it covers, or make predictions for this one.',
    );
  }
  const firstUsed = [...usedDays].sort()[0];
  const recorded = await trainingOf(runtime, experimentId);
  const ends = trainingEnds(choice, training, recorded);
  if (ends.toAll !== null) checkUse(firstUsed, ends.toAll, experimentId);
  const readsTo = recorded?.readsTo ?? null;
  const n = instruments.length;
  const hat = new Float64Array(new SharedArrayBuffer(days.length * n * 8)).fill(Number.NaN);
  const sectors = instruments.map(sectorOf);
  for (let d = 0; d < days.length; d++) {
    const date = formatDay(days[d]);
    if (!usedDays.has(date)) continue;
    for (let i = 0; i < n; i++) {
      const value = values.get(keyOf(date, sectors[i], className(request.classCode[d * n + i])));
      if (value !== undefined) hat[d * n + i] = value;
    }
  }
  const reached = reachOf(hat, request);
  if (reached.days === 0 && request.eligible.includes(1)) {
    throw unmatched(`λ̂ of '${experimentId}' in ${name}`, [...values.keys()].sort(), request);
  }
  return {
    hat,
    experimentId,
    trainEnd: ends.last,
    seenTo,
    readsPast: readsTo !== null && readsTo > firstUsed ? readsTo : null,
    daysReached: reached.days,
    shareReached: reached.share,
    fingerprint: digest.digest('hex'),
  };
}

/**
 * The last training day of the rows used (null: nobody knows), and the one that no row may be used before. A column says it of
 * each row; a file may be older or newer than the ledger's trainings of its name, so the later of both counts. The rows of our
 * own table are those of its newest training.
 */
function trainingEnds(
  { source }: LambdaChoice,
  column: { readonly end: string | null; readonly known: boolean },
  recorded: Training | null,
): { last: string | null; toAll: string | null } {
  if (!column.known) {
    const last = recorded && (column.end !== null && column.end > recorded.end ? column.end : recorded.end);
    return { last, toAll: recorded?.end ?? null };
  }
  const toAll = 'table' in source && source.table === OWN_TABLE ? null : (recorded?.ofEveryRow ?? null);
  return { last: toAll !== null && toAll > column.end! ? toAll : column.end, toAll };
}

/** How far λ̂ reaches: days on which an eligible instrument has one, and the mean share of those that do. */
function reachOf(hat: Float64Array, { instruments, days, eligible }: LambdaRequest): { days: number; share: number } {
  const n = instruments.length;
  let reached = 0;
  let shares = 0;
  let open = 0;
  for (let d = 0; d < days.length; d++) {
    let could = 0;
    let has = 0;
    for (let cell = d * n; cell < (d + 1) * n; cell++) {
      if (!eligible[cell]) continue;
      could++;
      if (!Number.isNaN(hat[cell])) has++;
    }
    if (has > 0) reached++;
    if (could === 0) continue;
    open++;
    shares += has / could;
  }
  return { days: reached, share: open > 0 ? shares / open : 0 };
}

/** The error of a λ̂ for other clusters than the run's, with examples of both. */
function unmatched(what: string, keys: readonly string[], request: LambdaRequest): UserError {
  const { days, instruments, eligible, classCode } = request;
  const dates = new Set(keys.map((key) => key.slice(0, key.indexOf('|'))));
  const some = (names: Iterable<string>) => [...new Set(names)].slice(0, 3).join(', ');
  const own = function* () {
    for (let d = 0; d < days.length; d++) {
      if (!dates.has(formatDay(days[d]))) continue;
      for (const [i, instrument] of instruments.entries()) {
        const cell = d * instruments.length + i;
        if (eligible[cell]) yield `${sectorOf(instrument)}|${className(classCode[cell])}`;
      }
    }
  };
  const mine = some(own());
  const theirs = some(keys.map((key) => key.slice(key.indexOf('|') + 1)));
  return new UserError(
    `${what} is for no cluster of this run: it has ${theirs}; ${mine ? `the instruments are in ${mine}` : 'on its days there is no instrument to hold'}`,
    'Make predictions from λ of these instruments: classes from prices (--stab compute), sectors of this database.',
  );
}

const keyOf = (date: string, sector: string, softTargetClass: string) => `${date}|${sector}|${softTargetClass}`;

export const sourceName = ({ source }: Pick<LambdaChoice, 'source'>): string =>
  'csv' in source ? source.csv : source.table;

/** A λ̂ that knows what comes after the day. */
const trainedPast = (trainEnd: string, date: string, experimentId: string) =>
  new UserError(
    `λ̂ of experiment '${experimentId}' was trained on days to ${trainEnd} and would be used on ${date}: it knows what comes`,
    `Start the campaign after the training ends; train on an earlier span, under a name of its own; or say ${ALLOW_IN_SAMPLE}.`,
  );

const NAMES_TOLD = 20;

function chosenExperiment(choice: LambdaChoice, found: ReadonlySet<string>, name: string): string {
  const names = [...found].sort();
  const more = names.length > NAMES_TOLD ? ` and ${names.length - NAMES_TOLD} more (prometheus lambda show)` : '';
  const brief = names.length ? `it holds ${names.slice(0, NAMES_TOLD).join(', ')}${more}` : 'it is empty';
  if (choice.experimentId === null) {
    if (names.length === 1) return names[0];
    throw new UsageError(`${name} does not say which experiment is meant: ${brief}`, 'Add --lambda-experiment-id ID');
  }
  if (found.has(choice.experimentId)) return choice.experimentId;
  throw new UserError(`${name} has no experiment '${choice.experimentId}': ${brief}`, 'Name one that it holds.');
}

async function readSourceCsv(file: string, column: string, take: (row: SourceRow) => void): Promise<void> {
  let keys: number[] = [];
  let value = -1;
  let trainEnd = -1;
  const broken = (line: number, what: string): never => {
    throw new UserError(`${file} line ${line}: ${what}`, 'Mend it, or make the predictions anew.');
  };
  try {
    await readCsv(file, {
      header: (names) => {
        const missing = [...KEYS, column].find((name) => !names.includes(name));
        if (missing) throw new FileProblem(`there is no column '${missing}'; it has ${names.join(', ')}`);
        requireForecast(file, names, column);
        keys = KEYS.map((name) => names.indexOf(name));
        value = names.indexOf(column);
        trainEnd = names.indexOf(TRAIN_END);
      },
      record: (reader) => {
        const [date, market, sector, softTargetClass, experimentId] = keys.map((key) => reader.text(key));
        const trained = trainEnd < 0 ? null : reader.text(trainEnd) || null;
        for (const one of [date, trained]) {
          if (one !== null && tryParseDay(one) === null) broken(reader.line, `'${one}' is not a date`);
        }
        take({
          experimentId,
          date,
          market,
          sector,
          softTargetClass,
          value: reader.text(value) || null,
          trainEnd: trained,
          place: `${file} line ${reader.line}`,
        });
      },
      bad: broken,
    });
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    throw new UserError(`${file}: ${error.message}`, 'Give the predictions of prometheus lambda experiment or train.');
  }
}

const IDENTIFIER = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i;

async function readSourceTable(
  runtime: Database,
  table: string,
  choice: LambdaChoice,
  marketId: string,
  range: { from: string; to: string },
  take: (row: SourceRow) => void,
): Promise<void> {
  const fix = 'Name a table of predictions, such as console.lambda_predictions.';
  if (!IDENTIFIER.test(table)) throw new UsageError(`--lambda-table '${table}' is not the name of a table`, fix);
  await runtime.client(async (client) => {
    const { rows: columns } = await client.query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
      [table],
    );
    if (columns.length === 0) throw new UserError(`there is no table ${table} in the ${runtime.target.label}`, fix);
    const names = columns.map((column) => column.name);
    const missing = [...KEYS, choice.column].find((name) => !names.includes(name));
    if (missing) throw new UserError(`${table} has no column '${missing}'; it has ${names.join(', ')}`, fix);
    requireForecast(table, names, choice.column);
    const { rows: experiments } = await client.query<{ id: string }>(
      `SELECT DISTINCT experiment_id AS id FROM ${table}`,
    );
    chosenExperiment(choice, new Set(experiments.map((row) => row.id)), table);
    const { rows } = await client.query<Omit<SourceRow, 'place'>>(
      `SELECT experiment_id AS "experimentId", as_of_date::text AS date, market_id AS market, sector,
              soft_target_class AS "softTargetClass", "${choice.column}"::text AS value,
              ${names.includes(TRAIN_END) ? `${TRAIN_END}::text` : 'NULL'} AS "trainEnd"
         FROM ${table}
        WHERE market_id = $1 AND as_of_date BETWEEN $2 AND $3 AND ($4::text IS NULL OR experiment_id = $4)
        ORDER BY as_of_date, sector COLLATE "C", soft_target_class COLLATE "C"`,
      [marketId, range.from, range.to, choice.experimentId],
    );
    for (const row of rows) take({ ...row, place: table });
    // Its experiments are known even when none has a row in the range.
    for (const { id } of experiments) {
      take({
        experimentId: id,
        date: '',
        market: '',
        sector: '',
        softTargetClass: '',
        value: null,
        trainEnd: null,
        place: table,
      });
    }
  });
}
