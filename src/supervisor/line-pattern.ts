/** Regular expressions for log lines, tried only on lines that can match: at hundreds of thousands a second most cannot. */

import { compilePattern } from '../platform/patterns.ts';

/** A pattern of which every match holds a known piece of text, where there is one. */
export class LinePattern {
  readonly #pattern: RegExp;
  readonly #literal: string;

  constructor(source: string) {
    this.#pattern = compilePattern(source);
    this.#literal = requiredText(source);
  }

  /** The match, or null. */
  exec(line: string): RegExpExecArray | null {
    return line.includes(this.#literal) ? this.#pattern.exec(line) : null;
  }

  test(line: string): boolean {
    return this.exec(line) !== null;
  }
}

/**
 * The longest text that every match of a pattern holds, empty when none is known. Only plain characters outside groups,
 * classes and alternatives count; what is not understood ends a piece.
 */
export function requiredText(source: string): string {
  let longest = '';
  let piece = '';
  const end = () => {
    if (piece.length > longest.length) longest = piece;
    piece = '';
  };
  for (let at = 0; at < source.length; ) {
    const token = TOKEN.exec(source.slice(at))![0];
    at += token.length;
    if (token === '|') return '';
    if (token === '(' || token === '[') {
      end();
      at = token === '(' ? afterGroup(source, at) : afterClass(source, at);
      continue;
    }
    const plain = /^[\w\s,;:=<>/"'%&#@!~`-]$/.test(token) ? token : /^\\[^\w\s]$/.test(token) ? token[1] : null;
    const quantifier = /^[?*{]/.test(source.slice(at, at + 1));
    if (plain === null || quantifier) end();
    else piece += plain;
    // Once or more often: the next character need not follow the first one.
    if (source[at] === '+') end();
  }
  end();
  return longest;
}

/** An escape with what belongs to it, or one character. */
const TOKEN =
  /^(?:\\(?:u\{[^}]*\}|u[\dA-Fa-f]{4}|x[\dA-Fa-f]{2}|c[A-Za-z]|[pP]\{[^}]*\}|k<\w+>|\d+|[\s\S])|\{\d*,?\d*\}|[\s\S])/;

function afterGroup(source: string, at: number): number {
  for (let depth = 1; depth > 0 && at < source.length; ) {
    if (source[at] === '\\') at += 2;
    else if (source[at] === '[') at = afterClass(source, at + 1);
    else {
      if (source[at] === '(') depth++;
      if (source[at] === ')') depth--;
      at++;
    }
  }
  return at;
}

function afterClass(source: string, at: number): number {
  while (at < source.length && source[at] !== ']') at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}
