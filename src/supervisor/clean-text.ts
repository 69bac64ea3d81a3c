/** Text of jobs, made harmless: nothing that a program prints may drive the terminal it is shown on. */

/**
 * Escape sequences as terminals read them (ECMA-48, xterm): CSI with its parameters; OSC, DCS, APC, PM and SOS strings
 * up to their end, or to the end of the line when there is none; other escapes. Each also in its 8-bit form.
 */
const ESCAPE_SEQUENCES = new RegExp(
  [
    '\\x1b\\[[0-?]*[ -/]*[@-~]?',
    '\\x1b[\\]PX^_][^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)?',
    '\\x1b[ -/]*[0-~]?',
    '\\x9b[0-?]*[ -/]*[@-~]?',
    '[\\x90\\x98\\x9d\\x9e\\x9f][^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)?',
  ].join('|'),
  'g',
);

/** C0 and C1 controls, and the characters that turn the direction of text around or break lines behind our back. */
const CONTROLS = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const TAB = 8;

/** One line of text without escape sequences and control characters; tabs become spaces up to the next stop. */
export function cleanText(text: string): string {
  // Most lines are plain: one test saves the rest.
  if (!/[^\x20-\x7e]/.test(text)) return text;
  return expandTabs(text.replace(ESCAPE_SEQUENCES, '')).replace(CONTROLS, '').toWellFormed();
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
