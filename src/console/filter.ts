/** The filters of lists: a regular expression, `!` before it for what does not match, `~` for letters in this order. */

import { compilePattern } from '../platform/patterns.ts';

export interface Filter {
  matches(text: string): boolean;
  /** The parts of a text that match, to show them; none for what matches by what is not there, or letter by letter. */
  parts(text: string): readonly (readonly [from: number, to: number])[];
  /** Why the text is no filter; it then lets everything through. */
  readonly problem: string | null;
}

const none = () => [];
const ALL: Filter = { matches: () => true, parts: none, problem: null };

/** Reads a filter. Case is ignored unless a capital letter is typed. */
export function readFilter(text: string): Filter {
  if (text.startsWith('!') && text.length > 1) {
    const inner = readFilter(text.slice(1));
    return inner.problem ? inner : { matches: (line) => !inner.matches(line), parts: none, problem: null };
  }
  if (text === '' || text === '!' || text === '~') return ALL;
  const fold = text === text.toLowerCase();
  if (text.startsWith('~'))
    return {
      matches: (line) => hasInOrder(fold ? line.toLowerCase() : line, text.slice(1)),
      parts: none,
      problem: null,
    };
  try {
    // Lower-case lines instead of the flag `i`, and `u` only where it is needed: with them there is no bounded search.
    const flags = /\\[pu]\{/i.test(text) ? 'u' : '';
    const pattern = compilePattern(text, flags);
    const all = new RegExp(pattern, `${flags}g`);
    const seen = fold ? lowerCase : (line: string) => line;
    const parts = (line: string) => wholeCharacters(line, [...seen(line).matchAll(all)]);
    return { matches: (line) => pattern.test(seen(line)), parts, problem: null };
  } catch (error) {
    const isUnbounded = (error as Error).message.includes('could take for ever');
    return { ...ALL, problem: isUnbounded ? (error as Error).message : `/${text}/ is no regular expression` };
  }
}

/** In lower case, each character where it was: the few that would become longer stay as they are. */
function lowerCase(line: string): string {
  const lower = line.toLowerCase();
  if (lower.length === line.length) return lower;
  const one = (character: string) => {
    const small = character.toLowerCase();
    return small.length === character.length ? small : character;
  };
  return Array.from(line, one).join('');
}

/** Where matches lie, no character of two code units being cut. */
function wholeCharacters(line: string, matches: readonly RegExpExecArray[]): [from: number, to: number][] {
  const isInside = (at: number) => at > 0 && at < line.length && line.codePointAt(at - 1)! > 0xffff;
  const parts: [from: number, to: number][] = [];
  for (const { 0: text, index } of matches) {
    if (text === '') continue;
    const from = isInside(index) ? index - 1 : index;
    const end = index + text.length;
    const to = isInside(end) ? end + 1 : end;
    const last = parts.at(-1);
    if (last && from < last[1]) last[1] = to;
    else parts.push([from, to]);
  }
  return parts;
}

function hasInOrder(text: string, letters: string): boolean {
  let from = 0;
  for (const letter of letters) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}
