/** Bytes of a log line as the text that is shown: nothing of it can drive the terminal, and nothing of it is hidden. */

/** Of a longer line this much is shown; the rest is counted. */
export const MAX_BYTES = 8192;

const RETURN = 13;
const TAB = 8;

/** Colours of terminals carry no text. Everything else that a terminal would obey is shown. */
const COLOURS = /(?:\x1b\[|\x9b)[\d;:]*m/g;
const CONTROLS = /[\0-\x1f\x7f]/g;
/** C1 controls; characters that turn the direction of text around or break lines. */
const DRIVERS = /[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/** Joiners and variation selectors: terminals disagree about their width, and they say nothing by themselves. */
const INVISIBLE = /[\u00ad\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff]|\p{Variation_Selector}/gu;

/**
 * The line without its newline, as text. A carriage return starts the line over, as on a terminal, so that a progress bar is
 * its last state; a line that is too long keeps its beginning and says how much is left out.
 */
export function lineTextOf(bytes: Buffer, start: number, end: number): string {
  let to = end;
  while (to > start && bytes[to - 1] === RETURN) to--;
  if (to - start <= MAX_BYTES) {
    const text = bytes.toString('utf8', start, to);
    return visibleText(text.slice(text.lastIndexOf('\r') + 1));
  }
  const from = start + bytes.subarray(start, to).lastIndexOf(RETURN) + 1;
  if (to - from <= MAX_BYTES) return visibleText(bytes.toString('utf8', from, to));
  // In stream mode a character that the cut goes through is left out.
  const kept = new TextDecoder().decode(bytes.subarray(from, from + MAX_BYTES), { stream: true });
  return `${visibleText(kept)} … (+${to - from - MAX_BYTES} bytes)`;
}

/** Text with every control character spelled out: `^[` for Escape, `<U+202E>` for what turns text around. */
export function visibleText(text: string): string {
  // Most lines are plain: one test saves the rest.
  if (!/[^\x20-\x7e]/.test(text)) return text;
  return expandTabs(text.replace(COLOURS, ''))
    .replace(CONTROLS, (character) => `^${String.fromCharCode(character.charCodeAt(0) ^ 64)}`)
    .replace(DRIVERS, (character) => `<U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}>`)
    .replace(INVISIBLE, '');
}

function expandTabs(text: string): string {
  if (!text.includes('\t')) return text;
  let result = '';
  for (const part of text.split('\t')) {
    if (result) result += ' '.repeat(TAB - (result.length % TAB));
    result += part;
  }
  return result;
}
