/**
 * Passwords of command lines, left out of whatever is shown, logged or printed. The one place that knows what a password
 * looks like; what a job needs to run (its spec, a form's own values) is never changed by it.
 */

const NAMES = '(?:[\\w-]*[-_])?(?:password|passwd|passphrase|secret|token|api[-_]?key)';
/** `postgresql://user:…@host`: up to the last `@` of the word, for a password may hold one. */
const IN_ADDRESS = /(:\/\/[^:/@\s]*:)\S*@/g;
const IN_WORD = /(:\/\/[^:/@]*:).*@/s;
/** `password=…`, as libpq and addresses have it. */
const ASSIGNED = new RegExp(`(\\b${NAMES}=)(?:'(?:[^'\\\\]|\\\\.)*'|"[^"]*"|[^\\s&'"]+)`, 'gi');
const SECRET_FLAG = new RegExp(`^--?${NAMES}$`, 'i');
const SECRET_WORD = new RegExp(`^(-{0,2}${NAMES}=).*$`, 'is');

/** Text without the passwords of addresses (`://user:…@`) and of assignments (`password=…`). */
export const maskText = (text: string): string => text.replace(IN_ADDRESS, '$1…@').replace(ASSIGNED, '$1…');

/** Words of a command line without passwords: as in text, and whole values of flags such as `--password`. */
export const maskWords = (words: readonly string[]): string[] =>
  words.map((word, i) =>
    i > 0 && SECRET_FLAG.test(words[i - 1]) && !word.startsWith('-')
      ? '…'
      : maskText(word.replace(SECRET_WORD, '$1…').replace(IN_WORD, '$1…@')),
  );

/** True for a flag or key whose value is a password: `--db-password`, `apiKey`. */
export const namesSecret = (name: string): boolean =>
  SECRET_FLAG.test(`--${name.replace(/^-+/, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);

/** `JSON.stringify`'s replacer: lists of words and text as above, values of keys that name a password. */
export function maskJson(key: string, value: unknown): unknown {
  if (typeof value === 'string') return namesSecret(key) ? '…' : maskText(value);
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')
    ? maskWords(value)
    : value;
}
