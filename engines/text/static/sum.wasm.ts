/**
 * A WebAssembly module that adds up rows of a word table sixteen values at a time, which JavaScript cannot. Written here
 * instruction by instruction, so that nothing has to be compiled or shipped beside the sources. Its arithmetic is that of
 * IEEE 754 in a fixed order: equal ids give equal bits in any company and on any machine.
 * Source of the codes: WebAssembly Core Specification 2.0, "Binary Format".
 */

/** Values that one turn of the loop works on; the width of a row is a multiple of it. */
export const LANES = 16;

/** Where in its memory the module finds things, in bytes; `rows` from 0 on. */
export interface SumLayout {
  /** float32, one a row. */
  readonly scales: number;
  /** int32: rows to be added up. */
  readonly ids: number;
  /** float32, `dim` values: the sum brought to length 1. On a multiple of 16. */
  readonly sum: number;
  /** Values of a row. */
  readonly dim: number;
}

/**
 * Exports `sum(end: i32): f32`: adds up the rows of the ids up to the byte `end`, at least one, each times its scale, divides
 * by the length of that and returns the square of the length. Imports its memory as `m.m`.
 */
export function sumModule({ scales, ids, sum, dim }: SumLayout): Uint8Array<ArrayBuffer> {
  const bytesOf = (values: number) => values * Float32Array.BYTES_PER_ELEMENT;
  const quarters = [A, B, C, D];
  const body = [
    // Sixteen columns at a time: their four sums stay in registers while all words go by.
    ...loop(
      ...quarters.flatMap((quarter) => [...ZERO, ...set(quarter)]),
      ...constant(ids),
      ...set(AT),
      ...loop(
        ...[...get(AT), ...LOAD_I32, ...set(ID)],
        ...[...get(ID), ...constant(2), SHIFT_LEFT, ...loadSplat(scales), ...set(SCALE)],
        ...[...get(ID), ...constant(dim), MULTIPLY, ...get(COLUMN), ADD, ...LOAD_VECTOR, ...set(ROW)],
        ...quarters.flatMap((quarter, k) => [
          ...[...get(quarter), ...get(ROW)],
          ...(k < 2 ? WIDEN_8_LOW : WIDEN_8_HIGH),
          ...(k % 2 === 0 ? WIDEN_16_LOW : WIDEN_16_HIGH),
          ...[...TO_FLOATS, ...get(SCALE), ...MULTIPLY_FLOATS, ...ADD_FLOATS, ...set(quarter)],
        ]),
        ...[...get(AT), ...constant(4), ADD, ...tee(AT), ...get(END), LESS],
      ),
      ...quarters.flatMap((quarter, k) => [
        ...[...get(COLUMN), ...constant(2), SHIFT_LEFT, ...get(quarter), ...store(sum + bytesOf(4 * k))],
        ...[...get(quarter), ...get(quarter), ...MULTIPLY_FLOATS, ...get(SQUARES), ...ADD_FLOATS, ...set(SQUARES)],
      ]),
      ...[...get(COLUMN), ...constant(LANES), ADD, ...tee(COLUMN), ...constant(dim), LESS],
    ),
    ...[0, 1, 2, 3].flatMap((lane) => [...get(SQUARES), ...EXTRACT, lane, ...(lane === 0 ? [] : [ADD_FLOAT])]),
    ...[...tee(SQUARE), SQUARE_ROOT, ...SPLAT, ...set(SCALE), ...constant(0), ...set(COLUMN)],
    ...loop(
      ...[...get(COLUMN), ...get(COLUMN), ...loadAt(sum), ...get(SCALE), ...DIVIDE_FLOATS, ...store(sum)],
      ...[...get(COLUMN), ...constant(bytesOf(4)), ADD, ...tee(COLUMN), ...constant(bytesOf(dim)), LESS],
    ),
    ...get(SQUARE),
    END_OF_BLOCK,
  ];
  const locals = [3, ...[COLUMN_TYPES, I32], ...[VECTOR_LOCALS, V128], ...[1, F32]];
  const code = [...locals, ...body];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, F32]), // one type: (i32) → f32
    ...section(2, [1, ...name('m'), ...name('m'), 2, 0, 1]), // one import: a memory of a page at least
    ...section(3, [1, 0]), // one function of type 0
    ...section(7, [1, ...name('sum'), 0, 0]), // one export: function 0
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

/** Parameters and locals by number; those of one type stand together. */
const END = 0;
const [COLUMN, AT, ID] = [1, 2, 3];
const COLUMN_TYPES = 3;
const [A, B, C, D, ROW, SCALE, SQUARES] = [4, 5, 6, 7, 8, 9, 10];
const VECTOR_LOCALS = 7;
const SQUARE = 11;

const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
const END_OF_BLOCK = 0x0b;
const [LESS, ADD, MULTIPLY, SHIFT_LEFT] = [0x49, 0x6a, 0x6c, 0x74];
const [SQUARE_ROOT, ADD_FLOAT] = [0x91, 0x92];

/** A whole number as LEB128, without and with a sign. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}
function signed(value: number): number[] {
  return value < 64 ? [value] : [(value % 128) + 128, ...signed(Math.floor(value / 128))];
}

const vector = (code: number): readonly number[] => [0xfd, ...unsigned(code)];
/** Of 2^n-byte alignment at an offset. */
const memory = (alignment: number, offset: number): readonly number[] => [alignment, ...unsigned(offset)];

const get = (local: number): readonly number[] => [0x20, local];
const set = (local: number): readonly number[] => [0x21, local];
const tee = (local: number): readonly number[] => [0x22, local];
const constant = (value: number): readonly number[] => [0x41, ...signed(value)];
/** Repeats what leaves a condition on the stack as long as that holds. */
const loop = (...body: readonly number[]): readonly number[] => [0x03, 0x40, ...body, 0x0d, 0, END_OF_BLOCK];

const LOAD_I32 = [0x28, ...memory(2, 0)];
const LOAD_VECTOR = [...vector(0), ...memory(0, 0)];
const loadAt = (offset: number) => [...vector(0), ...memory(4, offset)];
const loadSplat = (offset: number) => [...vector(9), ...memory(2, offset)];
const store = (offset: number) => [...vector(11), ...memory(4, offset)];
const ZERO = [...vector(12), ...new Uint8Array(16)];
const SPLAT = vector(0x13);
const EXTRACT = vector(0x1f);
const [WIDEN_8_LOW, WIDEN_8_HIGH] = [vector(0x87), vector(0x88)];
const [WIDEN_16_LOW, WIDEN_16_HIGH] = [vector(0xa7), vector(0xa8)];
const TO_FLOATS = vector(0xfa);
const [ADD_FLOATS, MULTIPLY_FLOATS, DIVIDE_FLOATS] = [vector(0xe4), vector(0xe6), vector(0xe7)];

const section = (id: number, content: readonly number[]) => [id, ...unsigned(content.length), ...content];
const name = (text: string) => [text.length, ...Buffer.from(text)];
