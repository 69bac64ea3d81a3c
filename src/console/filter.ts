/** The filters of lists: a regular expression, `!` before it for what does not match, `~` for letters in this order. */

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
    const pattern = new RegExp(text, fold ? 'iu' : 'u');
    const all = new RegExp(pattern, `${pattern.flags}g`);
    const parts = (line: string) =>
      [...line.matchAll(all)].flatMap((m) => (m[0] === '' ? [] : [[m.index, m.index + m[0].length] as const]));
    return { matches: (line) => pattern.test(line), parts, problem: null };
  } catch {
    return { ...ALL, problem: `/${text}/ is no regular expression` };
  }
}

function hasInOrder(text: string, letters: string): boolean {
  let from = 0;
  for (const letter of letters) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}
