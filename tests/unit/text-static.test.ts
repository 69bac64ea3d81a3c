/** The static word table: its steps against plain ones, its graph, and that equal news gives equal bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { symmetricEigen } from '../../engines/linear/symmetric.model.ts';
import { openTextEncoder, unverified } from '../../engines/text/encoder.ts';
import { openGraph } from '../../engines/text/graph-vectors.ts';
import { LONGEST_KEPT, PieceTable } from '../../engines/text/piece-table.model.ts';
import { topEigen } from '../../engines/text/static/eigen.model.ts';
import { fitStaticModel } from '../../engines/text/static/fit.ts';
import { readStaticGraph, staticGraph, staticTokenizer } from '../../engines/text/static/graph.model.ts';
import { ppmi } from '../../engines/text/static/ppmi.model.ts';
import { Corpus } from '../../engines/text/static/vocabulary.model.ts';
import { openLibrary, openTokenizer } from '../../engines/text/tokenizer.ts';
import { Random } from '../../src/platform/random.ts';

const fit = { fit_start: '2014-01-01', fit_end: '2014-12-31', universe_hash: 'test', seed: 1 };

/** Texts of a few topics: words of a topic stand together, in random order. */
function topics(seed: number, count = 1500): string[] {
  const random = new Random(seed);
  const nouns = ['oil', 'bank', 'drug', 'car', 'chip', 'store'].map((topic) =>
    Array.from({ length: 30 }, (_, k) => `${topic}${k}`),
  );
  return Array.from({ length: count }, () => {
    const words = random.pick(nouns);
    return Array.from({ length: 8 }, () => random.pick(words)).join(' ');
  });
}

/** Of 1 to 40 words, some of them unknown, some texts of unknown words alone, one of them empty. */
function texts300(): string[] {
  const random = new Random(7);
  const words = topics(1).join(' ').split(' ');
  return Array.from({ length: 300 }, (_, k) =>
    Array.from({ length: k % 41 }, () =>
      k % 50 === 3 || random.uniform() < 0.1 ? 'unheard' : random.pick(words),
    ).join(' '),
  );
}

describe('the vocabulary', () => {
  it('holds frequent words only, most frequent first, and counts a repeated text once', () => {
    const corpus = new Corpus();
    for (const text of ['b a a', 'b a a', 'b a , c', 'b a . d', 'b !', '…']) corpus.add(text.split(' '));
    const { vocabulary, texts } = corpus.close(10);
    expect(vocabulary.words).toEqual(['a', 'b']);
    expect([...vocabulary.counts]).toEqual([4, 4]);
    expect(texts.map((text) => [...text])).toEqual([[1, 0, 0], [1, 0], [1, 0], [1]]);
    expect(corpus.close(1).vocabulary.words).toEqual(['a']);
  });
});

describe('mutual information', () => {
  it('is that of the definition', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(5), { maxLength: 12 }), { minLength: 1, maxLength: 8 }), (texts) => {
        const size = 6;
        const near = Array.from({ length: size }, () => new Float64Array(size));
        for (const text of texts) {
          for (let i = 0; i < text.length; i++) {
            for (let j = 0; j < text.length; j++) {
              const k = Math.abs(i - j);
              if (k >= 1 && k <= 7) near[text[i]][text[j]] += 1 / (1 + 0.25 * (k - 1));
            }
          }
        }
        const sums = near.map((row) => row.reduce((sum, one) => sum + one, 0));
        const total = sums.reduce((sum, one) => sum + one, 0);
        const smooth = sums.map((sum) => sum ** 0.75);
        const smoothTotal = smooth.reduce((sum, one) => sum + one, 0);
        // Information of w about context c, whose share is smoothed.
        const about = (w: number, c: number) =>
          Math.log(near[w][c] / total / ((sums[w] / total) * (smooth[c] / smoothTotal)));
        const matrix = ppmi(
          texts.map((text) => Int32Array.from(text)),
          size,
        );
        const dense = Array.from({ length: size }, () => new Float64Array(size));
        for (let r = 0; r < size; r++) {
          for (let e = matrix.starts[r]; e < matrix.starts[r + 1]; e++) {
            if (e > matrix.starts[r]) expect(matrix.columns[e]).toBeGreaterThan(matrix.columns[e - 1]);
            dense[r][matrix.columns[e]] = matrix.values[e];
          }
        }
        for (let w = 0; w < size; w++) {
          for (let c = 0; c < size; c++) {
            const expected = near[w][c] > 0 ? Math.max(0, (about(w, c) + about(c, w)) / 2) : 0;
            expect(dense[w][c]).toBeCloseTo(expected, 10);
          }
        }
      }),
    );
  });
});

describe('eigenvectors', () => {
  it('of a small matrix are orthonormal and solve it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), (n, seed) => {
        const random = new Random(seed);
        const a = new Float64Array(n * n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j <= i; j++) {
            const value = random.uniform() < 0.3 ? 0 : random.normal();
            a[i * n + j] = value;
            a[j * n + i] = value;
          }
        }
        const { values, vectors } = symmetricEigen(a, n);
        for (let k = 0; k < n; k++) {
          for (let i = 0; i < n; i++) {
            let sum = 0;
            let overlap = 0;
            for (let j = 0; j < n; j++) {
              sum += a[i * n + j] * vectors[k * n + j];
              overlap += vectors[i * n + j] * vectors[k * n + j];
            }
            expect(sum).toBeCloseTo(values[k] * vectors[k * n + i], 9);
            expect(overlap).toBeCloseTo(i === k ? 1 : 0, 9);
          }
        }
      }),
    );
  });

  it('of a large one are the largest, whatever the seed', () => {
    const size = 120;
    const matrix = ppmi(
      topics(3, 400).map((text) =>
        Int32Array.from(text.split(' '), (word) => (word.charCodeAt(0) * 31 + Number(/\d+$/.exec(word)![0])) % size),
      ),
      size,
    );
    const dense = new Float64Array(size * size);
    for (let r = 0; r < size; r++) {
      for (let e = matrix.starts[r]; e < matrix.starts[r + 1]; e++)
        dense[r * size + matrix.columns[e]] = matrix.values[e];
    }
    const exact = [...symmetricEigen(dense, size).values];
    for (const seed of [1, 2]) {
      const { values, vectors, count } = topEigen(matrix, 5, seed, () => {});
      values.forEach((value, k) => {
        expect(value).toBeCloseTo(exact[k], 4);
        let square = 0;
        for (let r = 0; r < size; r++) square += vectors[r * count + k] ** 2;
        expect(square).toBeCloseTo(1, 9);
      });
    }
  });
});

describe('a fitted model', () => {
  it('is the same to the byte for the same news, and another for another seed or order of words', async () => {
    const settings = { modelId: 'text-fin-static-v1', vocabulary: 500, fit };
    const [first, second] = [
      await fitStaticModel(topics(1), settings, () => {}),
      await fitStaticModel(topics(1), settings, () => {}),
    ];
    expect(second).toEqual(first);
    const other = await fitStaticModel(topics(2), settings, () => {});
    expect(other.files['onnx/model.onnx']).not.toEqual(first.files['onnx/model.onnx']);
  });

  it('puts words of a topic together, averages, and says what it does not know', async () => {
    const made = await fitStaticModel(topics(1), { modelId: 'text-fin-static-v1', vocabulary: 500, fit }, () => {});
    const encoder = await openTextEncoder(unverified(made), 'cpu');
    const texts = ['oil1 oil2', 'OIL3, oil4!', 'bank1 bank2', 'nothing known', '', 'oil1 oil2 nothing known'];
    const { vectors, problems } = await encoder.encode(texts);
    const cosine = (a: number, b: number) => {
      let sum = 0;
      for (let d = 0; d < 384; d++) sum += vectors[a * 384 + d] * vectors[b * 384 + d];
      return sum;
    };
    expect(cosine(0, 1)).toBeGreaterThan(0.5);
    expect(cosine(0, 2)).toBeLessThan(0.3);
    expect(cosine(0, 5)).toBeCloseTo(1, 5);
    expect([...problems]).toEqual([
      [4, 'the text is empty'],
      [3, 'no word of it is known to the model'],
    ]);
    const alone = await encoder.encode([texts[5]]);
    expect(alone.vectors).toEqual(vectors.slice(5 * 384));
    await encoder.close();
  });

  it('gives a text the same bits alone, in any batch and in any order', async () => {
    const made = await fitStaticModel(topics(1), { modelId: 'text-fin-static-v1', vocabulary: 500, fit }, () => {});
    const encoder = await openTextEncoder(unverified(made), 'cpu');
    const texts = texts300();
    const bitsOf = async (some: readonly string[]) => {
      const { vectors, problems } = await encoder.encode(some);
      return some.map((_, k) =>
        problems.has(k) ? null : Buffer.from(vectors.slice(k * 384, (k + 1) * 384).buffer).toString('base64'),
      );
    };
    const all = await bitsOf(texts);
    for (const size of [1, 7, 128]) {
      const parts: (string | null)[] = [];
      for (let at = 0; at < texts.length; at += size) parts.push(...(await bitsOf(texts.slice(at, at + size))));
      expect(parts).toEqual(all);
    }
    expect((await bitsOf(texts.toReversed())).toReversed()).toEqual(all);
  });

  it('gives what its graph gives in ONNX Runtime, up to the rounding of float32', async () => {
    const made = await fitStaticModel(topics(1), { modelId: 'text-fin-static-v1', vocabulary: 500, fit }, () => {});
    const model = unverified(made);
    const texts = texts300();
    const own = await openTextEncoder(model, 'cpu');
    const { vectors, problems } = await own.encode(texts);
    const graph = await openGraph(model, 'cpu');
    const tokenizer = openTokenizer(model.files, model.manifest.max_length);
    const encoded = texts.map((text) => [...(tokenizer.encode(text) ?? [])]);
    const starts = [0];
    for (const ids of encoded) starts.push(starts[starts.length - 1] + ids.length);
    const expected = new Float32Array(vectors.length);
    const expectedProblems = new Map<number, string>();
    await graph.write({ ids: Int32Array.from(encoded.flat()), starts }, expected, expectedProblems);
    await graph.close();
    expect([...problems].filter(([k]) => encoded[k].length > 0).sort()).toEqual([...expectedProblems].sort());
    expect(expectedProblems.size).toBeGreaterThan(0);
    // Values are below 1: a few roundings of float32.
    expect(vectors.reduce((most, value, k) => Math.max(most, Math.abs(value - expected[k])), 0)).toBeLessThan(3e-7);
  });

  it('is read out of its own graph, and of no other', async () => {
    const table = {
      rows: Int8Array.from({ length: 64 }, (_, k) => k - 32),
      scales: Float32Array.of(0, 1, 0.5, 2),
      dim: 16,
    };
    const graph = staticGraph(table);
    // At an odd place of a larger buffer, where floats may not lie.
    const moved = Buffer.concat([Buffer.alloc(3), graph]).subarray(3);
    expect(readStaticGraph(moved)).toEqual(table);
    const other = graph.slice();
    other[Buffer.from(graph).indexOf('ReduceL2') + 'ReduceL'.length] = '1'.charCodeAt(0);
    expect(readStaticGraph(other)).toBeNull();
    expect(() => readStaticGraph(Buffer.from('{"no": "model"}'))).toThrow(/no ONNX model/);
  });

  it('is not made of too little', async () => {
    const settings = { modelId: 'text-fin-static-v1', vocabulary: 500, fit };
    await expect(fitStaticModel(['a b c'], settings, () => {})).rejects.toThrow(/only 0 words/);
  });
});

describe('the tokenizer', () => {
  const words = ['oil', 'Oil', 'price', '5', 'é', 'e', 's', '日', '-', "'"];
  const json = staticTokenizer(words);
  const filesOf = (json: object) =>
    new Map([
      ['tokenizer.json', Buffer.from(JSON.stringify(json))],
      ['tokenizer_config.json', Buffer.from('{}')],
    ]);
  const files = filesOf(json);
  const normalizer = { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null };
  const token = (id: number, content: string) => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  });

  it.each([
    ['lower-case', json],
    ['as written', { ...json, normalizer: { ...normalizer, lowercase: false } }],
    ['with tokens that a text can spell', { ...json, added_tokens: [token(0, '[PAD]'), token(1, '[UNK]')] }],
    ['with a token of letters', { ...json, added_tokens: [token(2, 'oil')] }],
    ['under other rules', { ...json, normalizer: { type: 'Lowercase' } }],
  ])('cuts texts word by word as the library cuts them whole, up to the limit: %s', (_, rules) => {
    const own = openTokenizer(filesOf(rules), 9);
    const library = openLibrary(rules, {});
    const piece = fc.oneof(
      fc.constantFrom(
        ...words,
        ' ',
        '  ',
        '\t',
        '\n',
        'OIL',
        '́',
        '​',
        'Σ',
        '[UNK]',
        '.',
        'x'.repeat(101),
        'y'.repeat(20),
        'Z'.repeat(21),
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join('');
        const { ids } = library.encode(text, { add_special_tokens: false });
        expect(own.encode(text) ?? []).toEqual(ids.length ? Int32Array.from(ids.slice(0, 9)) : []);
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses rules that look across blanks', () => {
    const other = new Map([...files, ['tokenizer.json', Buffer.from('{"pre_tokenizer":{"type":"Metaspace"}}')]]);
    expect(() => openTokenizer(other, 9)).toThrow(/cuts words by Metaspace/);
  });
});

describe('the table of pieces', () => {
  it('knows each word by its characters, words of one hash apart, and begins anew when it is full', () => {
    const table = new PieceTable();
    const slotOf = (word: string) => {
      table.word.set(Buffer.from(word));
      return table.find(word.length);
    };
    const add = (word: string, pieces: number[]) => {
      table.word.set(Buffer.from(word));
      table.add(word.length, pieces);
    };
    const piecesOf = (word: string) => {
      const slot = slotOf(word);
      return slot < 0 ? null : Array.from({ length: table.count(slot) }, (_, k) => table.piece(slot, k));
    };
    const longest = 'x'.repeat(LONGEST_KEPT);
    add('oil', [1]);
    add('gas', [2, 3]);
    add(
      longest,
      Array.from(longest, (_, k) => k),
    );
    add('x', []);
    expect(['oil', 'gas', longest, 'x'].map(piecesOf)).toEqual([[1], [2, 3], [...longest].map((_, k) => k), []]);
    expect(['oils', 'oi', longest.slice(1)].map(piecesOf)).toEqual([null, null, null]);
    // Half of its slots: many of these share one.
    for (let k = 4; k < 2 ** 17; k++) add(`${k}`, [k]);
    for (let k = 4; k < 2 ** 17; k++) if (piecesOf(`${k}`)?.[0] !== k) expect([k, piecesOf(`${k}`)]).toEqual([k, [k]]);
    expect(piecesOf('gas')).toEqual([2, 3]);
    add('new', [9]);
    expect(['new', '131071', 'oil'].map(piecesOf)).toEqual([[9], null, null]);
  });
});
