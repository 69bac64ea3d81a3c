/** Texts as token ids, by the tokenizer that lies in a model's folder. */
import { Tokenizer } from '@huggingface/tokenizers';

export const TOKENIZER_FILE = 'tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';

/** Words whose pieces are kept; when there are more, all are forgotten and it begins anew. */
const WORDS_KEPT = 200_000;

export interface TextTokenizer {
  /** Token ids, special ones included, at most `max_length`; null when the text has no piece at all. */
  encode(text: string): Int32Array | null;
}

/**
 * Opens a tokenizer from the bytes of its two files. The library neither truncates nor pads: a text is cut to
 * `maxLength` less the special tokens, which are put around it afterwards.
 * @throws Error when the files cannot be read.
 */
export function openTokenizer(files: ReadonlyMap<string, Uint8Array>, maxLength: number): TextTokenizer {
  const settings = readJson(files, TOKENIZER_FILE) as { pre_tokenizer?: { type?: string } };
  if (settings.pre_tokenizer?.type !== 'BertPreTokenizer') {
    throw new Error(`${TOKENIZER_FILE} cuts words by ${settings.pre_tokenizer?.type}, not as BERT does`);
  }
  const tokenizer = new Tokenizer(settings, readJson(files, TOKENIZER_CONFIG_FILE));
  const kept = new Map<string, readonly number[]>();
  // BERT's rules never look across a blank, and words repeat: each is cut once.
  const piecesOf = (word: string): readonly number[] => {
    const known = kept.get(word);
    if (known) return known;
    if (kept.size >= WORDS_KEPT) kept.clear();
    const { ids } = tokenizer.encode(word, { add_special_tokens: false });
    kept.set(word, ids);
    return ids;
  };
  const specials = tokenizer.encode('').ids;
  if (specials.length !== 0 && specials.length !== 2) {
    throw new Error(`${TOKENIZER_FILE} puts ${specials.length} special tokens around a text; this build knows 0 and 2`);
  }
  const before = specials.slice(0, 1);
  const after = specials.slice(1);
  const most = maxLength - specials.length;
  const room = new Int32Array(maxLength);
  room.set(before);
  return {
    encode: (text) => {
      let count = 0;
      for (let from = 0; from < text.length && count < most; ) {
        const blank = text.indexOf(' ', from);
        const end = blank < 0 ? text.length : blank;
        if (end > from) {
          const pieces = piecesOf(text.slice(from, end));
          for (let k = 0; k < pieces.length && count < most; k++) room[before.length + count++] = pieces[k];
        }
        from = end + 1;
      }
      if (count === 0) return null;
      room.set(after, before.length + count);
      return room.slice(0, before.length + count + after.length);
    },
  };
}

/** Texts as words, as a tokenizer's own first steps cut them: for making a vocabulary. */
export function openWordSplitter(json: object): (text: string) => string[] {
  const { normalizer, pre_tokenizer: cutter } = new Tokenizer(json, {});
  if (!normalizer || !cutter) throw new Error(`${TOKENIZER_FILE} lacks a normalizer or a pre-tokenizer`);
  return (text) => cutter.pre_tokenize(normalizer.normalize(text));
}

function readJson(files: ReadonlyMap<string, Uint8Array>, name: string): object {
  const bytes = files.get(name);
  if (!bytes) throw new Error(`${name} is missing`);
  return JSON.parse(new TextDecoder().decode(bytes));
}
