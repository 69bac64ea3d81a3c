/** Text for terminals that show ASCII only: the signs that the console draws with, spelled in plain characters. */

const PLAIN: Readonly<Record<string, string>> = {
  '…': '>',
  '–': '-',
  '—': '-',
  '−': '-',
  '·': '.',
  '•': '*',
  '×': 'x',
  '±': '+-',
  '≥': '>=',
  '≤': '<=',
  '≈': '~',
  '≠': '!=',
  '→': '>',
  '←': '<',
  '↑': '^',
  '↓': 'v',
  '▸': '>',
  '▾': 'v',
  '▴': '^',
  '◆': '*',
  '●': '*',
  '○': 'o',
  '▒': '=',
  '░': '-',
  '▓': '%',
  '█': '#',
  '─': '-',
  '│': '|',
  '┤': '+',
  '━': '-',
  '═': '=',
  '║': '|',
  '┌': '+',
  '┐': '+',
  '└': '+',
  '┘': '+',
  '╔': '+',
  '╗': '+',
  '╚': '+',
  '╝': '+',
  '✓': '+',
  '✗': 'x',
  '▶': '>',
  '■': '#',
  '’': "'",
  '‘': "'",
  '“': '"',
  '”': '"',
  λ: 'lambda',
  Σ: 'sum',
  σ: 'sigma',
  '°': ' deg ',
  '\u00a0': ' ',
};

/** Any text in ASCII; signs without a plain spelling become `?`. */
export function toAscii(text: string): string {
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  let plain = '';
  // Decomposed first, so that é becomes e and not a question mark.
  for (const char of text.normalize('NFD')) {
    if (char <= '\x7f') plain += char;
    else if (PLAIN[char] !== undefined) plain += PLAIN[char];
    else if (!/\p{M}/u.test(char)) plain += '?';
  }
  return plain;
}

/** Whether a terminal shows ASCII only: its locale names another character set than UTF-8, or it is the Linux console. */
export function isAsciiTerminal(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return (locale !== '' && !/utf-?8/i.test(locale)) || env.TERM === 'linux';
}
