/** `model.json`: what a model is, what it was made from, and the hash of each of its files. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { tryParseDay } from '../../src/platform/dates.ts';
import { issueWords } from '../../src/platform/issue-words.ts';

export const MANIFEST_FILE = 'model.json';
const MANIFEST_SCHEMA = 1;

const ENTITY_TYPES = ['INSTRUMENT', 'MARKET', 'SECTOR', 'PORTFOLIO'] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

const date = z.string().refine((text) => tryParseDay(text) !== null, { message: 'is not a date' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { message: 'is not a SHA-256 in hexadecimal' });

/** Longest text that a model may claim, in pieces: the attention of one that is longer needs gigabytes. */
const MOST_PIECES = 8192;
/** How far a golden text may be off at most: what int8 weights blur. */
const MOST_TOLERANCE = 0.05;
/** Nothing of this product puts one before a text: a model that wants one would be used otherwise than it was made. */
const noPrefix = z.literal('', { error: 'is not empty, and this build puts nothing before a text' });

/** A file of the folder, by its path inside it: no way leads out. */
const fileName = z.string().regex(/^(?!\.)[\w.-]+(\/(?!\.)[\w.-]+)*$/, { message: 'is not a path inside the folder' });

export const modelId = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, {
  message: 'is not a model id (lower-case words joined by -)',
});

/** What a fitted model was fitted on; vectors up to `fit_end` have seen their own future. */
const fit = z.strictObject({
  fit_start: date,
  fit_end: date,
  /** Fingerprint of the panel that it was fitted on. */
  universe_hash: z.string().min(1),
  seed: z.number().int(),
  features: z.array(z.string()).optional(),
  /** Figures of the probes, by name, as the fit measured them. */
  probes: z.record(z.string(), z.number()).optional(),
});

/** Hash of all other keys: what a file says of itself is as fixed as what the others hold. */
const ownHash = { manifest_sha256: sha256 };

const common = {
  schema: z.literal(MANIFEST_SCHEMA),
  model_id: modelId.max(64),
  /** The ONNX graph. */
  file: fileName,
  /** Hash of every file of the folder but this one. */
  sha256: z.record(fileName, sha256),
  /** Bytes of those files together. */
  bytes: z.number().int().min(1),
  dim: z.number().int().min(1),
};

const input = z.strictObject({
  name: z.string().min(1),
  type: z.enum(['float32', 'float64', 'int64']),
  /** Sizes; a name stands for a free one (`N` is the batch). */
  dims: z.array(z.union([z.number().int().min(1), z.string().min(1)])),
});

const numeric = z.strictObject({
  ...common,
  ...ownHash,
  kind: z.literal('numeric'),
  /** Which code of this product makes the graph's inputs, and from what: `price-window-v1`. */
  encoder: z.string().min(1),
  entities: z.array(z.enum(ENTITY_TYPES)).min(1),
  /** Trading days of the window it was made for. */
  window_days: z.number().int().min(2),
  inputs: z.array(input).min(1),
  /** Null for a model that is a plain function, fitted on nothing. */
  fit: fit.nullable(),
});

const text = z.strictObject({
  ...common,
  // A folder made elsewhere, by hand or by the script of its weights, need not have it; its golden texts say what it is.
  manifest_sha256: sha256.optional(),
  kind: z.literal('text'),
  source: z.strictObject({ repo: z.string(), revision: z.string(), licence: z.string() }),
  dtype: z.enum(['float32', 'float16', 'int8']),
  max_length: z.number().int().min(1).max(MOST_PIECES),
  pooling: z.enum(['mean', 'cls', 'none']),
  normalize: z.boolean(),
  output: z.string().min(1),
  prefix: z.strictObject({ query: noPrefix, document: noPrefix }),
  batch_invariant: z.boolean(),
  golden: z
    .array(
      z.strictObject({
        text: z.string().min(1),
        first8: z.array(z.number()).length(8),
        tolerance: z.number().min(0).max(MOST_TOLERANCE),
      }),
    )
    .min(1, { message: 'names no text' }),
  /** Null for a model that comes ready from its source. */
  fit: fit.nullable().default(null),
});

const head = z.strictObject({ ...common, ...ownHash, kind: z.literal('head'), inputs: z.array(input).min(1), fit });

export const manifestSchema = z
  .discriminatedUnion('kind', [numeric, text, head])
  .refine((manifest) => Object.hasOwn(manifest.sha256, manifest.file), {
    message: 'sha256 lacks the graph',
    path: ['sha256'],
  });

export type Manifest = z.infer<typeof manifestSchema>;
export type NumericManifest = z.infer<typeof numeric>;
export type TextManifest = z.infer<typeof text>;

/** A manifest before its folder was hashed. */
export type Unhashed<M> = M extends Manifest ? Omit<M, 'sha256' | 'bytes' | 'manifest_sha256'> : never;

/** What `manifest_sha256` must be; the order of keys does not matter. */
export function manifestHash({ manifest_sha256: _, ...rest }: Manifest): string {
  const sorted = JSON.stringify(rest, (_key, value) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return hash('sha256', sorted, 'hex');
}

/** The manifest in a text. @throws Error that names the first key that cannot be accepted. */
export function parseManifest(json: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Error(`${MANIFEST_FILE} is no JSON (${(error as Error).message})`);
  }
  const result = manifestSchema.safeParse(value, { error: issueWords });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`${MANIFEST_FILE}: ${issue.path.join('.') || 'the file'}: ${issue.message}`);
}

/** The text of a manifest: equal manifests give equal bytes. */
export const formatManifest = (manifest: Manifest): string => `${JSON.stringify(manifest, null, 2)}\n`;
