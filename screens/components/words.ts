/** Text in rows. */
import { type Line, lineWidth, span } from '../../src/format/lines.ts';
import type { Tone } from '../../src/format/states.ts';
import { wrapText } from '../../src/format/width.ts';

/** Text after a head, its further rows indented under its beginning. */
export function hanging(head: Line, text: string, width: number, tone: Tone, maxRows?: number): Line[] {
  const indent = lineWidth(head);
  return wrapText(text, Math.max(8, width - indent), maxRows).map((part, i) =>
    i === 0 ? [...head, span(part, tone)] : [' '.repeat(indent), span(part, tone)],
  );
}
