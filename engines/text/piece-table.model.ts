/** Pieces of words that were met before, found by their characters: no string is made of a word to look it up. */

/** Words kept; when there are more, all are forgotten and it begins anew. */
const WORDS_KEPT = 200_000;
/** Slots of the hash table: a power of two, well above the words. */
const SLOTS = 2 ** 19;

/** Start of the hash of a word (FNV-1a); `hashed` takes a character in. */
export const HASH_START = 0x811c9dc5 | 0;
export const hashed = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193);

/** Words are spans of a text, told apart by `fold` of their character codes, all below 128. */
export class PieceTable {
  /** Token ids of all words, one word after the other. */
  pieces = new Int32Array(4096);
  #fold: Uint8Array;
  #slots = new Int32Array(SLOTS);
  #characters = new Uint8Array(16_384);
  /** Where the characters and the pieces of word k begin; those of word k + 1 begin where they end. */
  #characterStarts = new Int32Array(WORDS_KEPT + 1);
  #pieceStarts = new Int32Array(WORDS_KEPT + 1);
  #words = 0;

  constructor(fold: Uint8Array) {
    this.#fold = fold;
  }

  /** First piece of a word, and where its pieces end. */
  start(word: number): number {
    return this.#pieceStarts[word];
  }
  end(word: number): number {
    return this.#pieceStarts[word + 1];
  }

  /** Number of the word `text[from … to)`, whose folded characters have this hash; −1 when it is not kept. */
  find(text: string, from: number, to: number, hash: number): number {
    for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const word = this.#slots[slot] - 1;
      if (word < 0 || this.#is(word, text, from, to)) return word;
    }
  }

  /** Keeps a word that `find` does not know. Returns its number. */
  add(text: string, from: number, to: number, hash: number, pieces: readonly number[]): number {
    if (this.#words === WORDS_KEPT) {
      this.#slots.fill(0);
      this.#words = 0;
    }
    const word = this.#words++;
    const characters = this.#characterStarts[word];
    const first = this.#pieceStarts[word];
    this.#characters = grown(this.#characters, characters + to - from, (length) => new Uint8Array(length));
    this.pieces = grown(this.pieces, first + pieces.length, (length) => new Int32Array(length));
    for (let k = from; k < to; k++) this.#characters[characters + k - from] = this.#fold[text.charCodeAt(k)];
    this.pieces.set(pieces, first);
    this.#characterStarts[word + 1] = characters + to - from;
    this.#pieceStarts[word + 1] = first + pieces.length;
    let slot = hash & (SLOTS - 1);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = word + 1;
    return word;
  }

  #is(word: number, text: string, from: number, to: number): boolean {
    const start = this.#characterStarts[word];
    if (this.#characterStarts[word + 1] - start !== to - from) return false;
    for (let k = from; k < to; k++) {
      if (this.#characters[start + k - from] !== this.#fold[text.charCodeAt(k)]) return false;
    }
    return true;
  }
}

/** The array, or twice as long a copy when it is shorter than `least`. */
function grown<T extends Uint8Array | Int32Array>(array: T, least: number, make: (length: number) => T): T {
  if (array.length >= least) return array;
  const larger = make(Math.max(2 * array.length, least));
  larger.set(array);
  return larger;
}
