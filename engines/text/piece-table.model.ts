/** Pieces of words that were met before, found by their characters: no string is made of a word to look it up. */

/** Most characters of a word that is kept. */
export const LONGEST_KEPT = 20;
/** Words kept; when there are more, all are forgotten and it begins anew. */
const WORDS_KEPT = 2 ** 17;
/** Slots of the hash table: a power of two, twice the words. */
const SLOTS = 2 ** 18;
/**
 * What a slot has of its word, within one line of the processor's cache, for waiting for memory is most of a look: its hash,
 * its length with the number of its pieces above it (0: the slot is free), the only piece or else where they begin, then its
 * characters, four to an integer.
 */
const SLOT = 8;
const [SHAPE, PIECES, CHARACTERS] = [1, 2, 3];
const COUNT_SHIFT = 8;
const LENGTH_MASK = 255;
const FNV_PRIME = 0x01000193;

export class PieceTable {
  /** The word that `find` and `add` are about: characters below 256, written here by the caller. */
  readonly word = new Uint8Array(LONGEST_KEPT);
  readonly #key = new Int32Array(this.word.buffer);
  readonly #slots = new Int32Array(SLOTS * SLOT);
  /** Pieces of the words that have not just one. */
  #pieces = new Int32Array(4096);
  #next = 0;
  #words = 0;

  /** Slot of the word of this length, 1 … `LONGEST_KEPT`; −1 when it is not kept. */
  find(length: number): number {
    const [slots, key] = [this.#slots, this.#key];
    const hash = this.#hash(length);
    const integers = (length + 3) >> 2;
    for (let at = firstSlot(hash); slots[at + SHAPE] !== 0; at = nextSlot(at)) {
      if (slots[at] !== hash || (slots[at + SHAPE] & LENGTH_MASK) !== length) continue;
      let k = 0;
      while (k < integers && slots[at + CHARACTERS + k] === key[k]) k++;
      if (k === integers) return at;
    }
    return -1;
  }

  /** Keeps a word that `find` does not know. Returns its slot. */
  add(length: number, pieces: readonly number[]): number {
    if (this.#words === WORDS_KEPT) {
      this.#slots.fill(0);
      this.#words = 0;
      this.#next = 0;
    }
    this.#words++;
    const hash = this.#hash(length);
    let at = firstSlot(hash);
    while (this.#slots[at + SHAPE] !== 0) at = nextSlot(at);
    this.#slots[at] = hash;
    this.#slots[at + SHAPE] = length | (pieces.length << COUNT_SHIFT);
    this.#slots[at + PIECES] = pieces.length === 1 ? pieces[0] : this.#keep(pieces);
    this.#slots.set(this.#key, at + CHARACTERS);
    return at;
  }

  /** How many pieces the word of a slot has, and each of them. */
  count(slot: number): number {
    return this.#slots[slot + SHAPE] >> COUNT_SHIFT;
  }
  piece(slot: number, k: number): number {
    const at = this.#slots[slot + PIECES];
    return this.count(slot) === 1 ? at : this.#pieces[at + k];
  }

  /** FNV-1a over the integers of the word; what is left of an older word in the last one is cleared. */
  #hash(length: number): number {
    for (let k = length; (k & 3) !== 0; k++) this.word[k] = 0;
    let hash = length;
    for (let k = 0; k < (length + 3) >> 2; k++) hash = Math.imul(hash ^ this.#key[k], FNV_PRIME);
    return hash ^ (hash >>> 15);
  }

  /** Puts pieces behind those that are there. Returns where they begin. */
  #keep(pieces: readonly number[]): number {
    const first = this.#next;
    this.#next += pieces.length;
    if (this.#next > this.#pieces.length) {
      const larger = new Int32Array(Math.max(2 * this.#pieces.length, this.#next));
      larger.set(this.#pieces);
      this.#pieces = larger;
    }
    this.#pieces.set(pieces, first);
    return first;
  }
}

const firstSlot = (hash: number): number => (hash & (SLOTS - 1)) * SLOT;
const nextSlot = (at: number): number => (at + SLOT) & (SLOTS * SLOT - 1);
