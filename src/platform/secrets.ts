/**
 * Passwords and keys of command lines, left out of whatever is shown, logged or printed. The one place that knows what
 * they look like; what a job needs to run (its spec, a form's own values) is never changed by it.
 */

/** `password`, `PGPASSWORD`, `db_pass`, `AWS_SECRET_ACCESS_KEY`, `api-key`; not `tokenizer`, `passes`, `compass`, `PWD`. */
const NAMES =
  '[\\w-]{0,60}(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|secret[-_]?key|private[-_]?key' +
  '|(?<![A-Za-z0-9])(?:pass|pw)|(?<=[-_])pwd)';
/** One value in text: quoted, or up to a blank. */
const VALUE = `(?:'(?:[^'\\\\]|\\\\.)*'|"(?:[^"\\\\]|\\\\.)*"|[^\\s'"]+)`;
/** No word of what is said of a password instead of one: `--password is missing`, `token: required`, `Bearer bonds`. */
const NO_PROSE =
  '(?!(?:is|was|has|needs|must|and|or|to|for|of|may|takes|not|none|null|missing|required|expected|unexpected|invalid' +
  '|expired|tokens?|bonds?|shares?|authentication|authorization)(?:[\\s.,;:)]|$))';
/** `token:X`, `api_key: X`; not an address (`token://h`), and of `pass`, which also counts, only `pass:X`. */
const COLON = `(?:(?<!(?<![\\w-])pass)\\s{0,3}:\\s{0,3}|(?<=(?<![\\w-])pass):)(?!//)${NO_PROSE}`;

/** `postgresql://user:…@host`: up to the last `@` of the word, for a password may hold one. Looked for from there: however long the word is. */
function maskAddress(word: string): string {
  const end = word.lastIndexOf('@');
  const begin = /:\/\/[^:/@]*:/.exec(word.slice(0, Math.max(0, end)));
  return begin ? `${word.slice(0, begin.index)}${begin[0]}…${word.slice(end)}` : word;
}
const maskAddresses = (text: string): string => (text.includes('://') ? text.replace(/\S+/g, maskAddress) : text);
/** `password=…`, as libpq and addresses have it. */
const ASSIGNED = new RegExp(`(${NAMES}=)(?:'(?:[^'\\\\]|\\\\.)*'|"(?:[^"\\\\]|\\\\.)*"|[^\\s&'"]+)`, 'gi');
/** `token: …`, as YAML and many tools have it. */
const NAMED = new RegExp(`(${NAMES}${COLON})${VALUE}`, 'gi');
/** `--password …` within text or one word of a command line (`sh -c "run --password …"`); not what is said of the flag. */
const FLAGGED = new RegExp(`((?<![^\\s'"(;|&])--?${NAMES}\\s+)(?!-)${NO_PROSE}${VALUE}`, 'gi');
/** `Authorization: Bearer …`, `X-Api-Key: …` */
const HEADER =
  /((?:authorization|x-[\w-]*(?:key|token|secret))\s*[:=]\s*(?:(?:bearer|basic|digest|token|apikey)\s+)?)[^\s'",;]+/gi;
/** `Bearer …` with no header before it; `bearer` of bonds is a word. */
const BEARER = new RegExp(`\\b(Bearer\\s{1,3}${NO_PROSE}|bearer\\s{1,3}(?=\\S{8})(?=\\S*\\d))[\\w.~+/=-]+`, 'g');
/** `"password": "…"`, also escaped, as text within text. */
const MEMBER = new RegExp(
  `(((?<!\\\\)\\\\*["'])${NAMES}\\2\\s*:\\s*)(?:"(?:[^"\\\\]|\\\\.)*"|'(?:[^'\\\\]|\\\\.)*'|\\\\+"[^"\\\\]*\\\\+"|[^\\s,}'"]+)`,
  'gi',
);
/**
 * Keys that are known by their shape, whatever is written before them; how each begins is shown. OpenAI and the like (a long
 * run of letters and digits is in them, none in `sk-learn-contrib-v2`), GitHub, GitLab, Slack, Stripe, Hugging Face, npm,
 * PyPI, Google, AWS, JSON Web Tokens.
 */
const SHAPE = new RegExp(
  `(?<![\\w-])(?:${[
    '(sk-(?:proj|ant|svcacct|admin)-)[\\w-]{16,}',
    '(sk-)(?=[\\w-]*?(?:[A-Za-z0-9]{20}|(?=[A-Za-z]*\\d)(?=\\d*[A-Za-z])[A-Za-z0-9]{12}))[\\w-]+',
    '(gh[opusr]_|github_pat_|[rs]k_(?:live|test)_)\\w{8,}',
    '(glpat-|xox[a-z]-|xapp-|pypi-AgE)[\\w-]{8,}',
    '(hf_|npm_)[A-Za-z0-9]{20,}',
    '(AIza|ya29\\.)[\\w-]{20,}',
    '(AKIA|ASIA)[A-Z0-9]{12,}',
    '(eyJ)[\\w-]{4,}\\.[\\w-]{4,}(?:\\.[\\w-]*){1,3}',
  ].join('|')})`,
  'g',
);
/** `curl -u name:…`; not `docker -u 1000:1000`. */
const USER = /((?<![^\s'"(;|&])(?:-u|--user|--proxy-user)[\s=]\s*["']?(?!\d+:\d+\b)[^\s:'"]+:)[^\s'"]+/g;
/** `mysql -p…`, with no blank between. */
const MYSQL = /(\b(?:mysql|mariadb)[\w-]*\b[^\n;|&,]{0,400}?\s-p)(?:'[^']*'|"[^"]*"|[^\s'"]+)/g;
const PRIVATE_KEY = /(-----BEGIN ([A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?)-----)[\s\S]*?(?:-----END \2-----|$)/g;
const SECRET_FLAG = new RegExp(`^--?${NAMES}$`, 'i');
const SECRET_WORD = new RegExp(`^(-{0,2}${NAMES}(?:=|${COLON})).+$`, 'is');
/** A word whose password is the next word if that is no prose: `token:`, `Authorization:`, `Bearer`. */
const LABEL = new RegExp(`^(?:-{0,2}${NAMES}(?<!^pass):|authorization:|x-[\\w-]*(?:key|token|secret):)$|^Bearer$`, 'i');
const LABELLED = new RegExp(`^${NO_PROSE}`, 'i');

/**
 * Text without the passwords of addresses (`://user:…@`), assignments (`password=…`, `token: …`), flags, headers and JSON,
 * and without keys that are known by their shape.
 */
export const maskText = (text: string): string =>
  maskAddresses(text.replace(PRIVATE_KEY, '$1…'))
    .replace(HEADER, '$1…')
    .replace(BEARER, '$1…')
    .replace(MEMBER, '$1"…"')
    .replace(ASSIGNED, '$1…')
    .replace(NAMED, '$1…')
    .replace(FLAGGED, '$1…')
    .replace(USER, '$1…')
    .replace(MYSQL, '$1…')
    .replace(SHAPE, (_, ...found) => `${found.find((one) => one !== undefined)}…`);

/** Words of a command line without passwords: as in text, and whole values of flags such as `--password`. */
export const maskWords = (words: readonly string[]): string[] =>
  words.map((word, i) =>
    i > 0 &&
    !word.startsWith('-') &&
    (SECRET_FLAG.test(words[i - 1]) || (LABEL.test(words[i - 1]) && LABELLED.test(word)))
      ? '…'
      : maskText(maskAddress(ofProgram(words, i).replace(SECRET_WORD, '$1…'))),
  );

/** A word without the password that only the flag before it, or the program it is given to, tells. */
function ofProgram(words: readonly string[], i: number): string {
  const word = words[i];
  if (/^(-u|--user|--proxy-user)$/.test(words[i - 1] ?? '') && !/^\d+:\d+$/.test(word))
    return word.replace(/^([^:\s]+:).+$/s, '$1…');
  return /(^|\/)(mysql|mariadb)[\w-]*$/.test(words[0]) ? word.replace(/^-p.+$/s, '-p…') : word;
}

/** A word of letters that no text has, to see whether it would be hidden where it stands. */
const PROBE = 'qzjx7';
/** What may yet be typed after it, and make a password of it. */
const ENDS = ['', '@', "'", '"'];

/** Whether text that is typed or pasted at a cursor is part of a password there, or may become one: `://user:pa` before its `@`. */
export function mayBeSecret(before: string, text: string, after: string): boolean {
  const isHidden = (typed: string) => ENDS.some((end) => !maskText(before + typed + end + after).includes(typed));
  // A blank is part of it only where it does not end it.
  if (text === ' ') return isHidden(PROBE) && isHidden(` ${PROBE}`);
  return isHidden(PROBE) || (text.length > 1 && isHidden(text + PROBE));
}

/** True for a flag or key whose value is a password: `--db-password`, `apiKey`, `API_KEY`. */
export const namesSecret = (name: string): boolean =>
  SECRET_FLAG.test(`--${name.replace(/^-+/, '').replace(/([a-z0-9])([A-Z])/g, '$1-$2')}`);

/** `JSON.stringify`'s replacer: lists of words and text as above, values of keys that name a password. */
export function maskJson(key: string, value: unknown): unknown {
  if (typeof value === 'string') return namesSecret(key) ? '…' : maskText(value);
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')
    ? maskWords(value)
    : value;
}

/** An address from the colon on behind its user: where it ends is not known while it is typed, for a password may hold an `@`. */
const UNFINISHED = /(:\/\/[^:/@\s]*:)\S*/g;

/** The same for words that are still being typed. */
export const maskTypedJson = (key: string, value: unknown): unknown =>
  maskJson(key, typeof value === 'string' ? value.replace(UNFINISHED, '$1…') : value);
