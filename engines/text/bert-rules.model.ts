/**
 * How BERT cleans a text and cuts it into words, as the reference (Hugging Face `tokenizers`, in Rust) does it. The library in
 * JavaScript has rules of its own that go by this Node's Unicode tables, make a final ς of Σ, and read half a character
 * beyond U+FFFF: its vectors of such texts were not those of the reference.
 */
import { BLANK, CHINESE, CONTROL, MARK, PUNCTUATION, UNDIVIDED } from './bert-characters.model.ts';

/** `normalizer` of `tokenizer.json`, of type `BertNormalizer`. */
export interface BertRules {
  readonly clean_text?: boolean;
  readonly handle_chinese_chars?: boolean;
  /** Null: when letters are made lower-case. */
  readonly strip_accents?: boolean | null;
  readonly lowercase?: boolean;
}

/** Hexadecimal ranges as the inside of a class of a regular expression. */
const classOf = (ranges: string): string =>
  ranges
    .trim()
    .split(/\s+/)
    .map((range) => range.replace(/[0-9a-f]+/g, '\\u{$&}'))
    .join('');

// A lone half of a pair is no character: the reference cannot be given one.
const control = new RegExp(`[${classOf(CONTROL)}\\u{d800}-\\u{dfff}]`, 'gu');
const blank = new RegExp(`[${classOf(BLANK)}]`, 'gu');
const chinese = new RegExp(`[${classOf(CHINESE)}]`, 'gu');
const mark = new RegExp(`[${classOf(MARK)}]`, 'gu');
const undivided = new RegExp(`([${classOf(UNDIVIDED)}])`, 'u');
const word = new RegExp(`[^${classOf(BLANK)}${classOf(PUNCTUATION)}]+|[${classOf(PUNCTUATION)}]`, 'gu');

/** The text cleaned, in the reference's order of steps. */
export function normalizeBert(text: string, rules: BertRules): string {
  let made = text;
  if (rules.clean_text) made = made.replace(control, '').replace(blank, ' ');
  if (rules.handle_chinese_chars) made = made.replace(chinese, ' $& ');
  if (rules.strip_accents ?? rules.lowercase) made = decomposed(made).replace(mark, '');
  // The reference lowers each character by itself; Σ is the only one that JavaScript lowers by what stands around it.
  if (rules.lowercase) made = made.replaceAll('Σ', 'σ').toLowerCase();
  return made;
}

/** A cleaned text as words: each punctuation mark is one. */
export const cutBert = (text: string): string[] => text.match(word) ?? [];

/** NFD by the reference's tables, to which an undivided character is one that nothing moves across. */
const decomposed = (text: string): string =>
  text
    .split(undivided)
    .map((part, k) => (k % 2 ? part : part.normalize('NFD')))
    .join('');
