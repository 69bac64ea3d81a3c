/** CSVs that hold several experiments: the rows of one are replaced, those of the others stay as they are. */
import { existsSync } from 'node:fs';
import { type CsvValue, csvLine } from '../../src/platform/csv.ts';
import { UserError } from '../../src/platform/errors.ts';
import { readCsv } from '../data/csv/read.ts';
import { FileProblem } from '../data/csv/source.ts';
import type { OutputFiles } from './files.ts';

const KEY = 'experiment_id';

/**
 * Drafts `rows` of some experiments beside what the file holds of others; the caller holds the file. With `from`
 * (`YYYY-MM-DD`) their own rows of earlier days stay too.
 * @throws UserError when the file that is there has other columns, or cannot be read or written.
 */
export async function mergeExperiments(
  files: OutputFiles,
  file: string,
  header: readonly string[],
  experimentIds: readonly string[],
  rows: Iterable<readonly CsvValue[]>,
  from: string | null = null,
): Promise<void> {
  const others = existsSync(file) ? await linesOfOthers(file, header, experimentIds, from) : [];
  files.write(file, linesOf(header, others, rows));
}

function* linesOf(
  header: readonly string[],
  others: readonly string[],
  rows: Iterable<readonly CsvValue[]>,
): Generator<string> {
  yield csvLine(header);
  yield* others;
  for (const row of rows) yield csvLine(row);
}

async function linesOfOthers(
  file: string,
  header: readonly string[],
  experimentIds: readonly string[],
  from: string | null,
): Promise<string[]> {
  const lines: string[] = [];
  const key = header.indexOf(KEY);
  const date = header.indexOf('as_of_date');
  const refuse = (what: string): never => {
    throw new UserError(`${file} cannot take rows of this experiment: ${what}`, 'Choose another file.');
  };
  try {
    await readCsv(file, {
      header: (names) => {
        if (names.join('\n') !== header.join('\n')) refuse(`its columns are ${names.join(',')}`);
      },
      record: (reader) => {
        if (experimentIds.includes(reader.text(key)) && (from === null || reader.text(date) >= from)) return;
        lines.push(csvLine(Array.from({ length: reader.count }, (_, k) => reader.text(k))));
      },
      bad: (line, problem) => refuse(`line ${line}: ${problem}`),
    });
  } catch (error) {
    if (error instanceof FileProblem) refuse(error.message);
    throw error;
  }
  return lines;
}
