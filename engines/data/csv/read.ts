/** Reads one CSV file: its header, then its records, chunk by chunk. */
import { CsvReader, type RecordProblem } from './reader.ts';
import { FileProblem, readChunks } from './source.ts';

export interface CsvConsumer {
  /** The first record. May throw a FileProblem. */
  header(names: string[]): void;
  /** Every further record; read its fields before returning. */
  record(reader: CsvReader): void;
  /** A physical line that is no record. */
  bad(line: number, problem: RecordProblem): void;
  /** After each chunk: progress (`bytesRead` from disk so far) and room for back-pressure. */
  chunk?(bytesRead: number): Promise<void> | void;
}

/**
 * Reads a file to its end. @throws FileProblem when the file as a whole cannot be used; what was read before is void then.
 */
export async function readCsv(file: string, consumer: CsvConsumer, signal?: AbortSignal): Promise<void> {
  let hasHeader = false;
  let bytesRead = 0;
  const reader = new CsvReader({
    record(record) {
      if (hasHeader) return consumer.record(record);
      hasHeader = true;
      consumer.header(Array.from({ length: record.count }, (_, i) => record.text(i)));
    },
    bad(line, problem) {
      if (!hasHeader) throw new FileProblem('no header line', `line ${line}: ${problem}`);
      consumer.bad(line, problem);
    },
  });
  for await (const chunk of readChunks(file, (total) => (bytesRead = total), signal)) {
    reader.push(chunk);
    await consumer.chunk?.(bytesRead);
  }
  reader.end();
  if (!hasHeader) throw new FileProblem('the file is empty', 'no line holds anything');
  await consumer.chunk?.(bytesRead);
}
