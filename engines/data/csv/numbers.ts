/** Numbers from the bytes of a CSV field, exactly as `Number(text)` would give them, without making the text. */

/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
const PLAIN_NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const MISSING = new Set(['', 'nan', 'null', 'none', 'na', 'n/a', '#n/a', '-', '--', '.', 'nil']);

/**
 * The decimal number between two offsets; NaN for anything else (empty, words, thousands separators, hexadecimal).
 * Up to 15 digits with up to 22 decimals are exact integers and powers, whose quotient is the correctly rounded result
 * (W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990); longer ones go through `Number`.
 */
export function numberAt(buffer: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buffer[at] === 32) at++;
  while (end > at && buffer[end - 1] === 32) end--;
  const negative = buffer[at] === 45;
  let digit = negative ? at + 1 : at;
  const firstDigit = digit;
  let mantissa = 0;
  let value: number;
  while (digit < end && (value = buffer[digit] - 48) >= 0 && value <= 9) {
    mantissa = mantissa * 10 + value;
    digit++;
  }
  let digits = digit - firstDigit;
  let decimals = 0;
  if (digit < end && buffer[digit] === 46) {
    const firstDecimal = ++digit;
    while (digit < end && (value = buffer[digit] - 48) >= 0 && value <= 9) {
      mantissa = mantissa * 10 + value;
      digit++;
    }
    decimals = digit - firstDecimal;
    digits += decimals;
  }
  if (digit === end && digits > 0 && digits <= 15 && decimals <= 22) {
    const number = decimals === 0 ? mantissa : mantissa / POWERS[decimals];
    return negative ? -number : number;
  }
  return decimalOf(buffer.toString('latin1', at, end));
}

/** A plain decimal number, or NaN: no words, no hexadecimal, no thousands separators. */
export function decimalOf(text: string): number {
  return PLAIN_NUMBER.test(text) ? Number(text) : Number.NaN;
}

/** True for an empty text and for what vendors write in place of a value. */
export function isMissingToken(text: string): boolean {
  return text.length <= 4 && MISSING.has(text.trim().toLowerCase());
}
