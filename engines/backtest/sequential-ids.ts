const ZERO = 0x30;
const NINE = 0x39;

/** `run:00000000`, `run:00000001`, …: ascending ids keep a key's index growing at its right edge. */
export class SequentialIds {
  readonly #bytes: Buffer;

  constructor(runId: string) {
    this.#bytes = Buffer.from(`${runId}:0000000/`); // one before the first digit: next() begins at 0
  }

  /** The next id's bytes, valid until the call after it. */
  next(): Uint8Array {
    const bytes = this.#bytes;
    let at = bytes.length - 1;
    while (bytes[at] === NINE) bytes[at--] = ZERO;
    bytes[at]++;
    return bytes;
  }
}
