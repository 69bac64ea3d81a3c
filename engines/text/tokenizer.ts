/** Texts as token ids, by the tokenizer that lies in a model's folder. */
import { Tokenizer } from '@huggingface/tokenizers';

export const TOKENIZER_FILE = 'tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';

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
  const tokenizer = new Tokenizer(readJson(files, TOKENIZER_FILE), readJson(files, TOKENIZER_CONFIG_FILE));
  const specials = tokenizer.encode('').ids;
  if (specials.length !== 0 && specials.length !== 2) {
    throw new Error(`${TOKENIZER_FILE} puts ${specials.length} special tokens around a text; this build knows 0 and 2`);
  }
  const before = specials.slice(0, 1);
  const after = specials.slice(1);
  const most = maxLength - specials.length;
  return {
    encode: (text) => {
      const { ids } = tokenizer.encode(text, { add_special_tokens: false });
      return ids.length ? Int32Array.from([...before, ...ids.slice(0, most), ...after]) : null;
    },
  };
}

function readJson(files: ReadonlyMap<string, Uint8Array>, name: string): object {
  const bytes = files.get(name);
  if (!bytes) throw new Error(`${name} is missing`);
  return JSON.parse(new TextDecoder().decode(bytes));
}
