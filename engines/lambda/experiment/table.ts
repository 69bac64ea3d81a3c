/** Reads the λ panel CSV for an experiment: known columns as numbers, every column as text. */
import { tryParseDay } from '../../../src/platform/dates.ts';
import { UserError } from '../../../src/platform/errors.ts';
import { decimalOf } from '../../data/csv/numbers.ts';
import { readCsv } from '../../data/csv/read.ts';
import { FileProblem } from '../../data/csv/source.ts';
import { compareClusters } from '../model.ts';

interface MarketCluster {
  readonly market: string;
  readonly sector: string;
  readonly softTargetClass: string;
}

export interface DensityTable {
  readonly file: string;
  readonly header: readonly string[];
  readonly dateColumn: number;
  /** Every field of every row as it stands in the file. */
  readonly text: readonly string[][];
  /** Clusters in the order market, sector, class. */
  readonly clusters: readonly MarketCluster[];
  /** Per row: index into `clusters`, day number, λ. */
  readonly cluster: Int32Array;
  readonly day: Int32Array;
  readonly lambda: Float64Array;
  /** A numeric column by name; 0 where the column or the value is missing. */
  column(name: string): Float64Array;
}

/** Spellings of a missing figure, as pandas writes and reads them. */
const MISSING: ReadonlySet<string> = new Set(['', 'NaN', 'nan', 'NA', 'N/A', 'NULL', 'null', 'None']);
/** What an experiment adds to the panel's columns. */
export const ADDED_COLUMNS = ['lambda_next', 'lambda_prev', 'lambda_trend', 'lambda_hat', 'experiment_id'] as const;

const NEEDED = ['as_of_date', 'market_id', 'sector', 'soft_target_class', 'lambda_value'] as const;

/** @throws UserError that names file, line and column of what cannot be read. */
export async function readDensityTable(file: string, signal: AbortSignal): Promise<DensityTable> {
  let header: string[] = [];
  const text: string[][] = [];
  const lines: number[] = [];
  const broken = (line: number, what: string): never => {
    throw new UserError(`${file} line ${line}: ${what}`, 'Mend it, or make the file anew.');
  };
  try {
    await readCsv(
      file,
      {
        header: (names) => {
          header = names;
          const missing = NEEDED.find((name) => !names.includes(name));
          if (missing) throw new FileProblem(`the column ${missing} is missing`);
          const added = ADDED_COLUMNS.find((name) => names.includes(name));
          if (added) throw new FileProblem(`it has a column ${added}: these are predictions, no λ panel`);
        },
        record: (reader) => {
          if (reader.count !== header.length) broken(reader.line, `${reader.count} fields, not ${header.length}`);
          text.push(Array.from({ length: reader.count }, (_, k) => reader.text(k)));
          lines.push(reader.line);
        },
        bad: broken,
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    throw new UserError(`${file}: ${error.message}`, 'Give the CSV of prometheus backfill opportunity-density.');
  }
  if (text.length === 0) throw new UserError(`${file} has no rows`, 'Give a λ panel with rows.');

  const [dateColumn, marketColumn, sectorColumn, classColumn] = NEEDED.map((name) => header.indexOf(name));
  const column = (name: string): Float64Array => {
    const at = header.indexOf(name);
    return Float64Array.from(text, (fields, k) => {
      const field = at < 0 ? '' : fields[at].trim();
      if (MISSING.has(field)) return 0;
      const value = decimalOf(field);
      return Number.isFinite(value) ? value : broken(lines[k], `${name} '${field}' is not a number`);
    });
  };
  const day = Int32Array.from(
    text,
    (fields, k) => tryParseDay(fields[dateColumn]) ?? broken(lines[k], `'${fields[dateColumn]}' is not a date`),
  );
  const lambdaColumn = header.indexOf('lambda_value');
  text.forEach((fields, k) => {
    // What is missing among features counts as 0, as in the original; λ itself is what is asked for.
    const lambda = fields[lambdaColumn].trim();
    if (MISSING.has(lambda))
      broken(lines[k], lambda === '' ? 'lambda_value is empty' : `lambda_value '${lambda}' is not a number`);
  });
  const keyOf = (fields: readonly string[]) =>
    JSON.stringify([fields[marketColumn], fields[sectorColumn], fields[classColumn]]);
  const byKey = new Map<string, MarketCluster>();
  for (const fields of text) {
    const [market, sector, softTargetClass] = [fields[marketColumn], fields[sectorColumn], fields[classColumn]];
    byKey.set(keyOf(fields), { market, sector, softTargetClass });
  }
  const ordered = [...byKey].sort(
    ([, a], [, b]) => Buffer.compare(Buffer.from(a.market), Buffer.from(b.market)) || compareClusters(a, b),
  );
  const indexOf = new Map(ordered.map(([key], k) => [key, k]));
  return {
    file,
    header,
    dateColumn,
    text,
    clusters: ordered.map(([, cluster]) => cluster),
    cluster: Int32Array.from(text, (fields) => indexOf.get(keyOf(fields))!),
    day,
    lambda: column('lambda_value'),
    column,
  };
}
