/** One line of text being typed: pure edits by key names. Positions count characters as people see them. */

export interface EditedLine {
  readonly text: string;
  /** Grapheme clusters before the cursor. */
  readonly at: number;
}

export const EMPTY_LINE: EditedLine = { text: '', at: 0 };

const SEGMENTER = new Intl.Segmenter();
const clusters = (text: string): string[] => [...SEGMENTER.segment(text)].map(({ segment }) => segment);

/** A line with the cursor at its end. */
export const lineOf = (text: string): EditedLine => ({ text, at: clusters(text).length });

/** The text on both sides of the cursor. */
export function splitAtCursor({ text, at }: EditedLine): readonly [string, string] {
  const parts = clusters(text);
  return [parts.slice(0, at).join(''), parts.slice(at).join('')];
}

/** Puts text in at the cursor; line ends become spaces, other control characters are dropped. */
export function insertText(line: EditedLine, text: string): EditedLine {
  const clean = text.replace(/\s+/g, ' ').replace(/[\x00-\x1f\x7f-\x9f]/g, '');
  const [before, after] = splitAtCursor(line);
  return { text: before + clean + after, at: clusters(before + clean).length };
}

/** What a key does to the line, or null when it is no editing key. */
export function editLine(line: EditedLine, key: string): EditedLine | null {
  const parts = clusters(line.text);
  const { at } = line;
  const without = (from: number, to: number): EditedLine => ({
    text: [...parts.slice(0, from), ...parts.slice(to)].join(''),
    at: from,
  });
  switch (key) {
    case 'left':
      return { ...line, at: Math.max(0, at - 1) };
    case 'right':
      return { ...line, at: Math.min(parts.length, at + 1) };
    case 'home':
      return { ...line, at: 0 };
    case 'end':
      return { ...line, at: parts.length };
    case 'backspace':
      return at > 0 ? without(at - 1, at) : line;
    case 'delete':
      return at < parts.length ? without(at, at + 1) : line;
    case 'ctrl+u':
      return without(0, at);
    case 'ctrl+w': {
      let from = at;
      while (from > 0 && parts[from - 1] === ' ') from--;
      while (from > 0 && parts[from - 1] !== ' ') from--;
      return without(from, at);
    }
    case 'space':
      return insertText(line, ' ');
    default:
      // Names of other keys have several characters; a single cluster is the character itself.
      return clusters(key).length === 1 ? insertText(line, key) : null;
  }
}
