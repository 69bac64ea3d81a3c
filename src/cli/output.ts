/** Words and data on their way out of a command. */
import { fstatSync, writeSync } from 'node:fs';
import { isAsciiTerminal, toAscii } from '../format/ascii.ts';
import { cleanText } from '../format/width.ts';
import { errorCode, errorMessage, UserError } from '../platform/errors.ts';

const STDOUT = 1;

/** Lines that nothing from outside (names, notes, logs, arguments) makes drive the terminal that they are shown on. */
export const harmlessLines = (text: string): string => text.split('\n').map(cleanText).join('\n');

/** What went wrong and what to do, as one line on stderr: whatever the words hold. */
export function complain(message: string): void {
  process.stderr.write(`prometheus: ${shown(cleanText(message), process.stderr)}\n`);
}

/** Text in the signs that a terminal can show; a file or a pipe takes the very characters. */
const shown = (text: string, { isTTY }: NodeJS.WriteStream): string =>
  isTTY && isAsciiTerminal(process.env) ? toAscii(text) : text;

/** Harmless text to stderr, as far as the terminal can show it. */
export const writeErr = (stderr: NodeJS.WriteStream, text: string): void =>
  void stderr.write(shown(harmlessLines(text), stderr));

/**
 * Writes all of `text` to stdout. Files and devices are written here: Node's own stream leaves out the rest of a write that
 * a full disk cut short, and says nothing. A terminal and a pipe are left to the stream; a terminal gets harmless text
 * in the signs that it can show, files and pipes the very bytes.
 * @throws UserError when it cannot be written.
 */
export function writeOut(stdout: NodeJS.WriteStream, text: string): void {
  if (stdout.isTTY || !takesWholeWrites()) {
    stdout.write(stdout.isTTY ? shown(harmlessLines(text), stdout) : text);
    return;
  }
  try {
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length; ) from += writeSync(STDOUT, bytes, from);
  } catch (error) {
    throw lostOutput(error);
  }
}

function takesWholeWrites(): boolean {
  const stat = fstatSync(STDOUT);
  return stat.isFile() || stat.isCharacterDevice();
}

/** What to say when stdout could not be written: what was asked for has been done, but its result is cut off. */
export function lostOutput(error: unknown): UserError {
  const full = ['ENOSPC', 'EFBIG', 'EDQUOT'].includes(errorCode(error) ?? '');
  return new UserError(
    `stdout cannot be written: ${full ? `the disk is full (${errorMessage(error)})` : errorMessage(error)}; what was printed is cut off`,
    `${full ? 'Free some space or send' : 'Send'} it elsewhere, and run it again.`,
    { cause: error },
  );
}
