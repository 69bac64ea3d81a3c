/** Lines of a log into a file, whole or not at all. */
import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Writes lines into `folder` under a name that is free; returns the file's path. */
export async function saveLines(folder: string, name: string, lines: AsyncIterable<string>): Promise<string> {
  const { name: stem, ext } = path.parse(name);
  let file = path.join(folder, name);
  for (let i = 2; existsSync(file); i++) file = path.join(folder, `${stem}-${i}${ext}`);
  const draft = `${file}.${process.pid}.draft`;
  try {
    await pipeline(Readable.from(lines), createWriteStream(draft, { mode: 0o600, flags: 'wx' }));
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return file;
}
