/** Prices and news: files of any size, streamed into a staging table and merged a file at a time. */
import type pg from 'pg';
import { dayOfInstant } from '../../../src/platform/dates.ts';
import type { CopyWriter } from '../../../src/platform/db/copy.ts';
import { FileProblem, type SourceFile } from '../csv/source.ts';
import type { InstrumentDirectory } from './directory.ts';
import type { MergeTarget } from './merge.ts';
import { NewsRows } from './news.ts';
import { createNewsStage, mergeNews, resolveNewsRepeats, stageNews, stageNewsRow } from './news-storage.ts';
import {
  createPriceStage,
  loadHolidays,
  mergePrices,
  resolveRepeats,
  StagedRange,
  stagePriceRow,
  stagePrices,
} from './price-storage.ts';
import { findGaps, findTwins, PriceWatch } from './price-watch.ts';
import { PriceRows } from './prices.ts';
import { Reject, Warn } from './reasons.ts';
import { ALL_FILES } from './report.ts';
import { SeriesBook } from './series.ts';
import { assertRows, eachFile, type FileImport, type ImportSession, type StageProgress } from './session.ts';

type Produce = (writer: CopyWriter) => Promise<void>;

/**
 * Stages while reading. When the file turns out to be unusable the COPY is ended in good order first, so that the
 * connection goes on to the next file; what was staged is thrown away there.
 */
async function staged(stage: (produce: Produce) => Promise<number>, read: Produce): Promise<number> {
  let problem: FileProblem | null = null;
  const rows = await stage(async (writer) => {
    try {
      await read(writer);
    } catch (error) {
      if (!(error instanceof FileProblem)) throw error;
      problem = error;
    }
  });
  if (problem) throw problem;
  return rows;
}

/** Imports price files into `prices_daily`. */
export async function importPrices(
  session: ImportSession,
  client: pg.ClientBase,
  target: MergeTarget,
  directory: InstrumentDirectory,
  sources: readonly SourceFile[],
): Promise<void> {
  const book = new SeriesBook(directory, await loadHolidays(client, target));
  const watch = new PriceWatch(dayOfInstant(session.now()));
  await createPriceStage(client);
  await eachFile(session, 'prices_daily', sources, async (file, progress) => {
    watch.startFile();
    let repeats = false;
    const range = new StagedRange();
    let rows!: PriceRows;
    const count = await staged(
      (produce) => stagePrices(client, produce),
      (writer) =>
        file.read(progress, {
          header: (names) => {
            rows = new PriceRows(file.outcome.file, names, book, file.reject);
          },
          record: (reader) => {
            if (!rows.accept(reader)) return;
            if (watch.row(rows, reader.line, file.warn)) repeats = true;
            range.add(rows);
            stagePriceRow(writer, reader.line, rows);
          },
          chunk: () => writer.flushed(),
        }),
    );
    assertRows(file.outcome);
    file.warnOfUnusedColumns(rows.columns.others.map((other) => other.name));
    if (!rows.hasAdjustedClose) file.warn(null, Warn.noAdjustedClose, '');
    const dropped = repeats ? await dropRepeats(client, file) : 0;
    const { adjusted_close, currency, metadata } = rows.columns.at;
    const carries = { adjustedClose: adjusted_close >= 0, currency: currency >= 0, metadata: metadata >= 0 };
    file.merged(count - dropped, await mergePrices(client, target, range, carries));
    watch.fileLanded();
  });
  reportSeries(session, book);
}

/** Returns the number of staged rows that went. */
async function dropRepeats(client: pg.ClientBase, file: FileImport): Promise<number> {
  const { collapsed, conflicts } = await resolveRepeats(client);
  let dropped = collapsed;
  file.outcome.collapsed = collapsed;
  for (const { instrumentId, date, lines } of conflicts) {
    file.rejectLines(lines, Reject.conflict, `${instrumentId} ${date}`);
    dropped += lines.length;
  }
  return dropped;
}

/** Remarks that need all files of the import. */
function reportSeries(session: ImportSession, book: SeriesBook): void {
  const series = book.all();
  const remark = (reason: string, detail: string) =>
    session.report.add({ level: 'warning', table: 'prices_daily', file: ALL_FILES, line: null, reason, detail });
  for (const detail of findTwins(series)) remark(Warn.twins, detail);
  const { gaps, uncheckedYears } = findGaps(series);
  for (const detail of gaps) remark(Warn.gap, detail);
  if (uncheckedYears.length > 0) remark(Warn.noHolidays, uncheckedYears.join(', '));
}

/** Imports news files into `news_articles` and `news_links`. */
export async function importNews(
  session: ImportSession,
  client: pg.ClientBase,
  target: MergeTarget,
  directory: InstrumentDirectory,
  sources: readonly SourceFile[],
): Promise<void> {
  await createNewsStage(client);
  await eachFile(session, 'news_articles', sources, async (file, progress) => {
    await staged((produce) => stageNews(client, produce), readNews(file, progress, directory));
    assertRows(file.outcome);
    const { collapsed, conflicts } = await resolveNewsRepeats(client, target);
    file.outcome.collapsed = collapsed;
    for (const { externalId, lines, otherSource } of conflicts) {
      if (otherSource === null) file.rejectLines(lines, Reject.conflict, `article ${externalId}`);
      else for (const line of lines) file.reject(line, Reject.otherSource, `${externalId} of '${otherSource}'`);
    }
    const counts = await mergeNews(client, target);
    file.merged(counts.stagedArticles, counts.articles);
    session.report.addSide('news_links', counts.stagedLinks, counts.links);
  });
}

function readNews(file: FileImport, progress: StageProgress, directory: InstrumentDirectory): Produce {
  return async (writer) => {
    let rows!: NewsRows;
    await file.read(progress, {
      header: (names) => {
        rows = new NewsRows(names, directory, file.reject);
      },
      record: (reader) => {
        const row = rows.read(reader);
        if (row) stageNewsRow(writer, row);
      },
      chunk: () => writer.flushed(),
    });
  };
}
