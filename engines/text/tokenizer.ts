/** Texts as token ids, by the tokenizer that lies in a model's folder. */
import { Tokenizer } from '@huggingface/tokenizers';
import { type BertRules, cutBert, normalizeBert } from './bert-rules.model.ts';
import { LONGEST_KEPT, PieceTable } from './piece-table.model.ts';

export const TOKENIZER_FILE = 'tokenizer.json';
/** Settings of the model that the tokenizer is of. */
export const CONFIG_FILE = 'config.json';
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';

/** Words of other scripts whose pieces are kept; when there are more, all are forgotten and it begins anew. */
const WORDS_KEPT = 200_000;

/** What a character is to the cutter. */
const BLANK = 0;
/** ASCII letters and digits stand together … */
const LETTER = 1;
/** … other printable ASCII characters alone. */
const MARK = 2;
/** Whatever the library must see in its surroundings. */
const FOREIGN = 3;
const ASCII = 128;

export interface TextTokenizer {
  /**
   * Writes a text's token ids, special ones included, into `ids` from `at` on, where there is room for `max_length` of them.
   * Returns their number; 0 when the text has no piece at all.
   */
  write(text: string, ids: Int32Array, at: number): number;
  /** The token ids by themselves; null when there are none. */
  encode(text: string): Int32Array | null;
}

/**
 * Opens a tokenizer from the bytes of its two files. The library neither truncates nor pads: a text is cut to
 * `maxLength` less the special tokens, which are put around it afterwards.
 * @throws Error when the files cannot be read.
 */
export function openTokenizer(files: ReadonlyMap<string, Uint8Array>, maxLength: number): TextTokenizer {
  const settings = readJson(files, TOKENIZER_FILE) as Settings;
  if (settings.pre_tokenizer?.type !== 'BertPreTokenizer') {
    throw new Error(`${TOKENIZER_FILE} cuts words by ${settings.pre_tokenizer?.type}, not as BERT does`);
  }
  const config = readJson(files, TOKENIZER_CONFIG_FILE) as Config;
  const tokenizer = openLibrary(settings, config);
  const cut = (word: string): readonly number[] => tokenizer.encode(word, { add_special_tokens: false }).ids;
  const kinds = kindsOf(settings, config);
  const fold = foldOf(settings);
  const unknown = tokenizer.model!.unk_token_id!;
  const whole = wholeWords(settings);
  /** A run of letters, or a mark: nothing is left to do but to look for its pieces. */
  const cutRun = (run: string): number[] => {
    const folded = settings.normalizer?.lowercase ? run.toLowerCase() : run;
    return whole
      ? [(folded.length <= whole.longest ? tokenizer.token_to_id(folded) : undefined) ?? unknown]
      : tokenizer.model!.encode([folded]).map((piece: string) => tokenizer.token_to_id(piece) ?? unknown);
  };
  const table = new PieceTable();
  const kept = new Map<string, readonly number[]>();
  // BERT's rules never look across a blank, and words repeat: each is cut once.
  const piecesOf = (word: string): readonly number[] => {
    const known = kept.get(word);
    if (known) return known;
    if (kept.size >= WORDS_KEPT) kept.clear();
    const ids = cut(word);
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
  const kindAt = (text: string, at: number): number => {
    if (at >= text.length) return BLANK;
    const code = text.charCodeAt(at);
    return code < ASCII ? kinds[code] : FOREIGN;
  };
  const write = (text: string, ids: Int32Array, start: number): number => {
    const first = start + before.length;
    const end = first + most;
    let next = first;
    // Where the word began that is being read, and how far its pieces may be taken back.
    let [word, back] = [0, first];
    for (let at = 0; at < text.length && next < end; ) {
      const kind = kindAt(text, at);
      if (kind === BLANK) {
        word = ++at;
        back = next;
        continue;
      }
      const from = at;
      let following = kind;
      if (kind !== FOREIGN) {
        do {
          if (at - from < LONGEST_KEPT) table.word[at - from] = fold[text.charCodeAt(at)];
          following = kindAt(text, ++at);
        } while (kind === LETTER && following === LETTER);
        // What a foreign character follows is cut together with it.
        if (following === FOREIGN) continue;
      }
      if (kind !== FOREIGN && at - from <= LONGEST_KEPT) {
        let found = table.find(at - from);
        if (found < 0) found = table.add(at - from, cutRun(text.slice(from, at)));
        const count = Math.min(table.count(found), end - next);
        for (let k = 0; k < count; k++) ids[next++] = table.piece(found, k);
      } else {
        const blank = text.indexOf(' ', at);
        at = blank < 0 ? text.length : blank;
        const pieces = piecesOf(text.slice(word, at));
        const count = Math.min(pieces.length, end - back);
        for (let k = 0; k < count; k++) ids[back + k] = pieces[k];
        next = back + count;
      }
    }
    if (next === first) return 0;
    for (let k = 0; k < before.length; k++) ids[start + k] = before[k];
    for (let k = 0; k < after.length; k++) ids[next + k] = after[k];
    return next + after.length - start;
  };
  const room = new Int32Array(maxLength);
  return {
    write,
    encode: (text) => {
      const count = write(text, room, 0);
      return count === 0 ? null : room.slice(0, count);
    },
  };
}

/** The library, which finds special tokens and pieces; BERT's cleaning and cutting are ours (`bert-rules.model.ts` says why). */
export function openLibrary(settings: object, config: object): Tokenizer {
  const tokenizer = new Tokenizer(settings, config);
  const { normalizer, pre_tokenizer: cutter } = settings as Settings;
  if (normalizer?.type === 'BertNormalizer') {
    tokenizer.normalizer = ((text: string) => normalizeBert(text, normalizer)) as Tokenizer['normalizer'];
  }
  if (cutter?.type === 'BertPreTokenizer') tokenizer.pre_tokenizer = cutBert as Tokenizer['pre_tokenizer'];
  return tokenizer;
}

/** The parts of `tokenizer.json` that say how a text is cut. */
interface Settings {
  readonly normalizer?: ({ readonly type?: string } & BertRules) | null;
  readonly pre_tokenizer?: { readonly type?: string } | null;
  readonly added_tokens?: readonly { readonly content: string }[];
  readonly model?: {
    readonly type?: string;
    readonly vocab?: Readonly<Record<string, number>>;
    readonly continuing_subword_prefix?: string;
    readonly max_input_chars_per_word?: number;
  };
}

/** The part of `tokenizer_config.json` that changes a text before it is cut. */
interface Config {
  readonly do_lowercase_and_remove_accent?: boolean;
}

/**
 * What each ASCII character is. BERT's own normalizer leaves printable ones as they are or makes them lower-case, and its
 * cutter parts them at every mark; so they need not be read a second time, as long as no token of a text's own spelling
 * (`[SEP]`) can stand among them. Under any other rules all words are the library's.
 */
function kindsOf({ normalizer, added_tokens: added = [] }: Settings, config: Config): Uint8Array {
  const kinds = new Uint8Array(ASCII).fill(FOREIGN);
  kinds[' '.charCodeAt(0)] = BLANK;
  const known = normalizer?.type === 'BertNormalizer' && !config.do_lowercase_and_remove_accent;
  if (!known || !added.every(({ content }) => content.includes('['))) return kinds;
  for (let code = 33; code < 127; code++) kinds[code] = /[a-z0-9]/i.test(String.fromCharCode(code)) ? LETTER : MARK;
  kinds['['.charCodeAt(0)] = FOREIGN;
  return kinds;
}

/**
 * Longest word of a vocabulary of whole words: where no piece can continue a word, it is found whole or not at all, and the
 * library would try all of its beginnings. Null for any other vocabulary.
 */
function wholeWords({ model }: Settings): { readonly longest: number } | null {
  const prefix = model?.continuing_subword_prefix;
  if (model?.type !== 'WordPiece' || !prefix || !model.vocab) return null;
  if (Object.keys(model.vocab).some((piece) => piece.startsWith(prefix))) return null;
  return { longest: model.max_input_chars_per_word ?? 100 };
}

/** Each ASCII character as the normalizer makes it. */
const foldOf = ({ normalizer }: Settings): Uint8Array =>
  Uint8Array.from({ length: ASCII }, (_, code) =>
    (normalizer?.lowercase ? String.fromCharCode(code).toLowerCase() : String.fromCharCode(code)).charCodeAt(0),
  );

/** Texts as words, as a tokenizer's own first steps cut them: for making a vocabulary. */
export function openWordSplitter(json: object): (text: string) => string[] {
  const { normalizer, pre_tokenizer: cutter } = openLibrary(json, {});
  if (!normalizer || !cutter) throw new Error(`${TOKENIZER_FILE} lacks a normalizer or a pre-tokenizer`);
  return (text) => cutter(normalizer(text));
}

function readJson(files: ReadonlyMap<string, Uint8Array>, name: string): object {
  const bytes = files.get(name);
  if (!bytes) throw new Error(`${name} is missing`);
  return JSON.parse(new TextDecoder().decode(bytes));
}
