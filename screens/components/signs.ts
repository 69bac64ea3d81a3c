/** State signs and small pieces that several panes share. */
import { type Line, lineWidth, type Span, span } from '../../src/format/lines.ts';
import { CHECK_SIGNS, JOB_SIGNS, type StateSign } from '../../src/format/states.ts';
import { cutBeforeLastSentence, fitToWidth } from '../../src/format/width.ts';

/** What builders of pane contents are told about the terminal. */
export interface Drawing {
  readonly ascii: boolean;
}

/** Widest sign with its word: `~ STALE`. */
export const SIGN_WIDTH = 7;

/** Sign and word: `✓ OK`. Never one without the other. */
export function signSpan(sign: StateSign, { ascii }: Drawing): Span {
  return span(`${ascii ? sign.ascii : sign.symbol} ${sign.word}`, sign.tone);
}

/** Sign and word in a column. */
export function signCell(sign: StateSign, drawing: Drawing): Span {
  const one = signSpan(sign, drawing);
  return { ...one, text: fitToWidth(one.text, SIGN_WIDTH) };
}

export const checkSign = (state: keyof typeof CHECK_SIGNS): StateSign => CHECK_SIGNS[state];
export const jobSign = (state: keyof typeof JOB_SIGNS): StateSign => JOB_SIGNS[state];

/** The mark of the selected row; two cells, so that rows align. */
export const cursor = (selected: boolean): Span => (selected ? span('▸ ', 'accent', { bold: true }) : span('  '));

/** A row that begins with a name and has `? unknown: reason` in place of its figures: what to do about it stays in sight. */
export function unknownRow(name: Line, reason: string, width: number): Line {
  const room = width - lineWidth([...name, '? unknown: ']);
  return [...name, ...unknown(cutBeforeLastSentence(reason, Math.max(1, room)))];
}

/** `? unknown: reason` */
export const unknown = (reason: string | null): Line => [
  span('? unknown', 'warn'),
  span(reason ? `: ${reason}` : '', 'muted'),
];
