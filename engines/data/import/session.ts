/** What the parts of one import share, and the frame in which each file is read: one bad file never loses the others. */
import { formatCount } from '../../../src/format/numbers.ts';
import type { Events } from '../../../src/platform/events.ts';
import { type CsvConsumer, readCsv } from '../csv/read.ts';
import type { CsvReader } from '../csv/reader.ts';
import { FileProblem, type SourceFile } from '../csv/source.ts';
import type { RejectRow } from './prices.ts';
import { Reject, Warn } from './reasons.ts';
import { type FileOutcome, type ImportReport, type ImportTable, noRows } from './report.ts';

export interface ImportSession {
  /** Market of rows that name none, and of symbols. */
  readonly market: string;
  readonly report: ImportReport;
  readonly events: Events;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Progress events are for eyes: a few a second are enough, and a job keeps each of them. */
const PROGRESS_MS = 250;

/** Progress over the files of one stage, in bytes read from disk. */
export class StageProgress {
  readonly #session: ImportSession;
  readonly #total: number | null;
  #before = 0;
  #inFile = 0;
  #reported = 0;

  constructor(session: ImportSession, sources: readonly SourceFile[]) {
    this.#session = session;
    const known = sources.every((source) => source.bytes !== null);
    this.#total = known ? sources.reduce((sum, source) => sum + source.bytes!, 0) : null;
  }

  advance(bytesOfFile: number): void {
    this.#inFile = bytesOfFile;
    const now = this.#session.now();
    if (now - this.#reported >= PROGRESS_MS) this.#emit(now);
  }

  fileDone(): void {
    this.#before += this.#inFile;
    this.#inFile = 0;
    this.#emit(this.#session.now());
  }

  #emit(now: number): void {
    this.#reported = now;
    const done = this.#before + this.#inFile;
    this.#session.events.emit({ type: 'progress', done, total: this.#total, unit: 'bytes' });
  }
}

/** One file on its way in: counts its rows and files its findings. */
export class FileImport {
  readonly outcome: FileOutcome;
  readonly #session: ImportSession;

  constructor(session: ImportSession, table: ImportTable, file: string) {
    this.#session = session;
    this.outcome = { file, table, status: 'landed', ...noRows() };
  }

  readonly reject: RejectRow = (line, reason, detail) => {
    this.outcome.rejected++;
    const { table, file } = this.outcome;
    this.#session.report.add({ level: 'rejected', table, file, line, reason, detail });
  };

  readonly warn = (line: number | null, reason: string, detail: string): void => {
    const { table, file } = this.outcome;
    this.#session.report.add({ level: 'warning', table, file, line, reason, detail });
  };

  /** Rejects every line of a group of rows that contradict each other; each names all of them. */
  rejectLines(lines: readonly number[], reason: string, what: string): void {
    for (const line of lines) this.reject(line, reason, `${what}: lines ${lines.join(', ')}`);
  }

  /** Notes what a merge of `staged` rows did. */
  merged(staged: number, counts: { inserted: number; updated: number }): void {
    this.outcome.inserted = counts.inserted;
    this.outcome.updated = counts.updated;
    this.outcome.unchanged = Math.max(0, staged - counts.inserted - counts.updated);
  }

  /** Says which named columns are of no use here. */
  warnOfUnusedColumns(names: readonly string[]): void {
    if (names.length > 0) this.warn(null, Warn.unusedColumns, names.join(', '));
  }

  /**
   * Reads the file. `onRecord` gets every record below the header; lines that are none are rejected.
   * @throws FileProblem when the file as a whole cannot be used.
   */
  async read(
    progress: StageProgress,
    handlers: { header(names: string[]): void; record(reader: CsvReader): void; chunk?(): Promise<void> },
  ): Promise<void> {
    const consumer: CsvConsumer = {
      header: handlers.header,
      record: (reader) => {
        this.outcome.read++;
        handlers.record(reader);
      },
      bad: (line, problem) => {
        this.outcome.read++;
        this.reject(line, problem, '');
      },
      chunk: async (bytesRead) => {
        progress.advance(bytesRead);
        await handlers.chunk?.();
      },
    };
    await readCsv(this.outcome.file, consumer, this.#session.signal);
  }
}

/** Runs `work` for each file in turn. A FileProblem rejects that file alone; every other error ends the import. */
export async function eachFile(
  session: ImportSession,
  table: ImportTable,
  sources: readonly SourceFile[],
  work: (file: FileImport, progress: StageProgress) => Promise<void>,
): Promise<void> {
  const progress = new StageProgress(session, sources);
  for (const source of sources) {
    const file = new FileImport(session, table, source.path);
    const { outcome } = file;
    try {
      await work(file, progress);
    } catch (error) {
      if (!(error instanceof FileProblem)) throw error;
      outcome.status = 'rejected';
      outcome.reason = error.reason;
      const { reason, detail } = error;
      session.report.add({ level: 'rejected', table, file: outcome.file, line: null, reason, detail });
    }
    session.report.files.push(outcome);
    progress.fileDone();
    session.events.emit({ type: 'log', level: 'debug', message: describeFile(outcome) });
  }
}

function describeFile(outcome: FileOutcome): string {
  const { file, read, inserted, updated, unchanged, collapsed, rejected } = outcome;
  if (outcome.status === 'rejected') return `${file}: rejected: ${outcome.reason}`;
  const parts = Object.entries({ inserted, updated, unchanged, collapsed, rejected }).filter(([, count]) => count > 0);
  return `${file}: ${formatCount(read)} rows: ${parts.map(([name, count]) => `${formatCount(count)} ${name}`).join(', ')}`;
}

/** A file that should carry rows and has none: most likely a download that failed. */
export function assertRows(outcome: FileOutcome): void {
  if (outcome.read === 0) throw new FileProblem(Reject.noRows);
}
