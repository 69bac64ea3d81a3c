/**
 * Recordings of a console: what the supervisor said, what was asked of it, what the operator pressed, with the time of each.
 * One JSON object a line; the first is the header. Cut-off ends are read as far as they go.
 */
import { z } from 'zod';
import { clientMessageSchema, PROTOCOL_VERSION, serverMessageSchema } from '../../supervisor/protocol.ts';

const VERSION = 1;
const sizeSchema = z.object({ columns: z.int().positive(), rows: z.int().positive() });

const headerSchema = z.object({
  recording: z.literal(VERSION),
  protocol: z.literal(PROTOCOL_VERSION),
  home: z.string(),
  demo: z.boolean(),
  size: sizeSchema,
  /** Milliseconds since 1970 of its beginning. */
  at: z.number(),
});
export type RecordingHeader = Readonly<z.infer<typeof headerSchema>>;

const keySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('key'), id: z.string() }),
  z.object({ type: z.literal('paste'), text: z.string() }),
  z.object({
    type: z.literal('mouse'),
    what: z.enum(['click', 'wheel-up', 'wheel-down']),
    column: z.int().nonnegative(),
    row: z.int().nonnegative(),
  }),
]);
/** Milliseconds since the beginning. */
const t = z.number().nonnegative();
const entrySchema = z.discriminatedUnion('from', [
  z.object({ t, from: z.literal('supervisor'), message: serverMessageSchema }),
  z.object({ t, from: z.literal('client'), message: clientMessageSchema }),
  z.object({ t, from: z.literal('keys'), event: keySchema }),
  z.object({ t, from: z.literal('size'), size: sizeSchema }),
]);
export type RecordingEntry = z.infer<typeof entrySchema>;

export interface Recording {
  readonly header: RecordingHeader;
  readonly entries: readonly RecordingEntry[];
  /** Lines that are no entry, as the last one of a recording that was cut off. */
  readonly damaged: number;
}

export const headerLine = (header: Omit<RecordingHeader, 'recording' | 'protocol'>): string =>
  `${JSON.stringify({ recording: VERSION, protocol: PROTOCOL_VERSION, ...header })}\n`;

/** Reads a recording. @returns why it is none, in words, when it cannot be. */
export function parseRecording(text: string): Recording | { readonly problem: string } {
  const lines = text.split('\n').filter((line) => line !== '');
  const header = headerSchema.safeParse(parse(lines[0] ?? ''));
  if (!header.success) {
    const { recording, protocol } = (parse(lines[0] ?? '') ?? {}) as { recording?: unknown; protocol?: unknown };
    return {
      problem:
        recording === undefined
          ? 'it is no recording of a console'
          : `it was made by another version (format ${recording}, protocol ${protocol}; this one reads ${VERSION}, ${PROTOCOL_VERSION})`,
    };
  }
  const entries = lines.slice(1).map((line) => entrySchema.safeParse(parse(line)));
  const whole = entries.flatMap((entry) => (entry.success ? [entry.data] : []));
  return { header: header.data, entries: whole, damaged: entries.length - whole.length };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
