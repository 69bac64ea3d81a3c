/** Texts as token ids, by the tokenizer that lies in a model's folder. */
import { Tokenizer } from '@huggingface/tokenizers';
import { type BertRules, cutBert, normalizeBert } from './bert-rules.model.ts';
import { HASH_START, hashed, PieceTable } from './piece-table.model.ts';

export const TOKENIZER_FILE = 'tokenizer.json';
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
  /** Token ids, special ones included, at most `max_length`; null when the text has no piece at all. */
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
  /** A run of letters, or a mark: nothing is left to do but to look for its pieces. */
  const cutRun = (run: string): number[] =>
    tokenizer
      .model!.encode([run])
      .map((piece: string) => tokenizer.token_to_id(piece) ?? tokenizer.model!.unk_token_id!);
  const table = new PieceTable(fold);
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
  const room = new Int32Array(maxLength);
  room.set(before);
  const kindAt = (text: string, at: number): number => {
    const code = text.charCodeAt(at);
    return code < ASCII ? kinds[code] : FOREIGN;
  };
  /** Puts pieces `from … to` into the room after the first `count`. Returns how many there are then. */
  const put = (pieces: ArrayLike<number>, from: number, to: number, count: number): number => {
    const end = Math.min(to, from + most - count);
    for (let k = from; k < end; k++) room[before.length + count + k - from] = pieces[k];
    return count + end - from;
  };
  return {
    encode: (text) => {
      let count = 0;
      // Where the word began that is being read, and how many pieces there were.
      let [word, countThen] = [0, 0];
      for (let at = 0; at < text.length && count < most; ) {
        const kind = kindAt(text, at);
        if (kind === BLANK) {
          word = ++at;
          countThen = count;
          continue;
        }
        if (kind === FOREIGN) {
          const blank = text.indexOf(' ', at);
          at = blank < 0 ? text.length : blank;
          const pieces = piecesOf(text.slice(word, at));
          count = put(pieces, 0, pieces.length, countThen);
          continue;
        }
        const from = at;
        let hash = HASH_START;
        do hash = hashed(hash, fold[text.charCodeAt(at++)]);
        while (kind === LETTER && at < text.length && kindAt(text, at) === LETTER);
        // What a foreign character follows is cut together with it.
        if (at < text.length && kindAt(text, at) === FOREIGN) continue;
        let found = table.find(text, from, at, hash);
        if (found < 0) {
          const run = text.slice(from, at);
          found = table.add(text, from, at, hash, cutRun(settings.normalizer?.lowercase ? run.toLowerCase() : run));
        }
        count = put(table.pieces, table.start(found), table.end(found), count);
      }
      if (count === 0) return null;
      room.set(after, before.length + count);
      return room.slice(0, before.length + count + after.length);
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
