/** Which instrument a row or a file means. */
import path from 'node:path';

export interface KnownInstrument {
  readonly id: string;
  readonly symbol: string;
  readonly issuerId: string;
  readonly marketId: string;
  readonly currency: string;
}

/** Upper case, with dots, slashes, blanks and underscores as dashes: `brk.b`, `BRK/B` and `BRK-B` are one name. */
function nameKey(name: string): string {
  return name
    .trim()
    .toUpperCase()
    .replace(/[./\s_]+/g, '-');
}

/**
 * Finds instruments by the names that vendors use: first by id in any market, then by symbol within the market given.
 * A symbol that two instruments of the market share finds neither.
 */
export class InstrumentDirectory {
  readonly size: number;
  readonly #byId = new Map<string, KnownInstrument>();
  readonly #bySymbol = new Map<string, KnownInstrument | null>();

  constructor(instruments: Iterable<KnownInstrument>, marketId: string) {
    for (const instrument of instruments) {
      this.#byId.set(nameKey(instrument.id), instrument);
      if (instrument.marketId !== marketId) continue;
      const key = nameKey(instrument.symbol);
      this.#bySymbol.set(key, this.#bySymbol.has(key) ? null : instrument);
    }
    this.size = this.#byId.size;
  }

  /** The instrument of a name as it stands in a file (`AAPL`, `aapl.us`, `BRK.B`), or null. */
  find(name: string): KnownInstrument | null {
    const key = nameKey(name);
    return this.#byId.get(key) ?? this.#bySymbol.get(key) ?? null;
  }

  /**
   * The instrument that a file without an instrument column is about, by its name without folder, `.gz`, `.csv` and
   * `.txt`: the whole of it (`AAPL`, `aapl.us`, `BRK.B`), as Stooq names a download (`aapl_us_d`), else what follows its
   * last underscore (`real_gaps_LUMN`).
   */
  findByFileName(file: string): { instrument: KnownInstrument | null; tried: string[] } {
    const stem = path
      .basename(file)
      .replace(/\.gz$/i, '')
      .replace(/\.(csv|txt)$/i, '');
    const stooq = /^(.+)_([a-z]{2})_[dwm]$/i.exec(stem);
    const parts = [stem, stooq ? `${stooq[1]}.${stooq[2]}` : '', stem.slice(stem.lastIndexOf('_') + 1)];
    const tried = [...new Set(parts)].filter(Boolean);
    for (const name of tried) {
      const instrument = this.find(name);
      if (instrument) return { instrument, tried };
    }
    return { instrument: null, tried };
  }
}
