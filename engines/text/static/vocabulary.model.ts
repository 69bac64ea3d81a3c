/** The words of a static model: which ones, how often they occur, and texts as positions among them. */

/** A vocabulary word has a letter or a digit; what is left out weighs nothing in a text. */
const IS_WORD = /[\p{L}\p{N}]/u;
/** Fewer uses than this say too little about a word. */
const LEAST_USES = 3;

export interface Vocabulary {
  /** Most frequent first; equal counts by code units. */
  readonly words: readonly string[];
  readonly counts: Float64Array;
}

/** Counts words of texts that come one by one, each text once, however often it is repeated. */
export class Corpus {
  readonly #numbers = new Map<string, number>();
  readonly #counts: number[] = [];
  readonly #seen = new Set<string>();
  readonly #texts: Int32Array[] = [];

  /** `words` of one text, in order. A text that came before is dropped. */
  add(words: readonly string[]): void {
    const own = words.filter((word) => IS_WORD.test(word));
    const key = own.join(' ');
    if (own.length === 0 || this.#seen.has(key)) return;
    this.#seen.add(key);
    const text = Int32Array.from(own, (word) => {
      let number = this.#numbers.get(word);
      if (number === undefined) {
        number = this.#counts.length;
        this.#numbers.set(word, number);
        this.#counts.push(0);
      }
      this.#counts[number]++;
      return number;
    });
    this.#texts.push(text);
  }

  /** The `size` most frequent words, and the texts as positions among them; other words are left out. */
  close(size: number): { vocabulary: Vocabulary; texts: Int32Array[] } {
    const chosen = [...this.#numbers]
      .filter(([, number]) => this.#counts[number] >= LEAST_USES)
      .sort(([a, x], [b, y]) => this.#counts[y] - this.#counts[x] || (a < b ? -1 : 1))
      .slice(0, size);
    const place = new Int32Array(this.#counts.length).fill(-1);
    chosen.forEach(([, number], position) => {
      place[number] = position;
    });
    return {
      vocabulary: {
        words: chosen.map(([word]) => word),
        counts: Float64Array.from(chosen, ([, number]) => this.#counts[number]),
      },
      texts: this.#texts.map((text) => text.map((number) => place[number]).filter((position) => position >= 0)),
    };
  }
}
