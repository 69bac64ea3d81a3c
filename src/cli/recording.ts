/** Recordings of a console as files: writing one beside a running console, and opening one. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { headerLine, parseRecording, type Recording, type RecordingHeader } from '../console/recording/format.ts';
import type { Input } from '../console/session.ts';
import { errorMessage, UsageError, UserError } from '../platform/errors.ts';
import { maskJson, maskTypedJson } from '../platform/secrets.ts';
import type { ReadName } from '../supervisor/reads.ts';
import type { Passed } from '../supervisor/wire/client.ts';

/** Takes entries down as they come. */
export type Recorder = (entry: Passed | Input) => void;

/**
 * Begins a recording; an existing file is not overwritten. A recording that cannot be written any more ends by itself: the
 * console goes on. @throws UserError when the file cannot be made.
 */
export function startRecording(file: string, header: Omit<RecordingHeader, 'recording' | 'protocol'>): Recorder {
  try {
    // What it holds is what the operator sees: for nobody else.
    writeFileSync(file, headerLine(header), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new UserError(
      `the recording ${file} cannot be made: ${errorMessage(error)}`,
      'Name another file: --record FILE',
    );
  }
  let open = true;
  /** Questions about words that are being typed, by id: their replies repeat the words. */
  const typing = new Set<number>();
  return (entry) => {
    if (!open) return;
    const mask = isTyped(entry, typing) ? maskTypedJson : maskJson;
    // It may be sent to others: it has no passwords, and not the operator's environment, which goes with a launch.
    const harmless = (key: string, value: unknown) => (key === 'environment' ? undefined : mask(key, value));
    try {
      appendFileSync(file, `${JSON.stringify({ t: Date.now() - header.at, ...entry }, harmless)}\n`);
    } catch {
      open = false;
    }
  };
}

const TYPED: ReadonlySet<unknown> = new Set(['validate', 'preflight'] satisfies ReadName[]);

/** Whether a message may hold words that are not typed to their end. */
function isTyped(entry: Passed | Input, typing: Set<number>): boolean {
  if (entry.from === 'client') {
    const { message } = entry;
    const asked =
      message.type === 'command' && message.name === 'read' ? (message.request as { what?: unknown }) : null;
    if (message.type === 'command' && TYPED.has(asked?.what)) typing.add(message.id);
    return true;
  }
  return entry.from === 'supervisor' && entry.message.type === 'reply' && typing.delete(entry.message.id);
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Reads a recording, gzipped or not. @throws UsageError when the file is none. */
export function readRecording(file: string): Recording {
  let text: string;
  try {
    const bytes = readFileSync(file);
    text = (isGzip(bytes) ? gunzipSync(bytes) : bytes).toString();
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${errorMessage(error)}`, 'Make one: prometheus --record FILE');
  }
  const recording = parseRecording(text);
  if ('problem' in recording)
    throw new UsageError(`${file}: ${recording.problem}`, 'Make one: prometheus --record FILE');
  return recording;
}
