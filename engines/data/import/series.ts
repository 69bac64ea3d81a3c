/** The series that an import meets: one an instrument, with what is remembered from row to row. */
import type { InstrumentDirectory, KnownInstrument } from './directory.ts';

/** Days of one calendar year of one series: a bit a day, and an order-free fingerprint of their rows. */
export interface DaySet {
  readonly bits: Uint32Array;
  rows: number;
  sumA: number;
  sumB: number;
}

/** One calendar year of one series. */
export interface YearPage {
  /** What the file that is being read holds; `serial` tells which file that is. */
  readonly inFile: DaySet;
  serial: number;
  /** What the files that have landed hold. */
  readonly landed: DaySet;
}

export interface Series {
  readonly instrument: KnownInstrument;
  /** Ready for COPY. */
  readonly idBytes: Buffer;
  readonly currencyBytes: Buffer;
  readonly holidays: ReadonlySet<number>;
  readonly years: Map<number, YearPage>;
  /** The accepted row before in file order, for jumps. */
  previousDay: number;
  previousClose: number;
  previousAdjusted: number;
}

/** Hands out the series of an import by the names that files use; asks the directory once a name. */
export class SeriesBook {
  readonly #directory: InstrumentDirectory;
  readonly #holidays: ReadonlyMap<string, ReadonlySet<number>>;
  readonly #byName = new Map<string, Series | null>();
  readonly #byId = new Map<string, Series>();

  constructor(directory: InstrumentDirectory, holidays: ReadonlyMap<string, ReadonlySet<number>>) {
    this.#directory = directory;
    this.#holidays = holidays;
  }

  /** Every series met so far, in the order met. */
  all(): Series[] {
    return [...this.#byId.values()];
  }

  find(name: string): Series | null {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const instrument = this.#directory.find(name);
    const series = instrument && this.#of(instrument);
    this.#byName.set(name, series);
    return series;
  }

  /** The series of a file without an instrument column, or the names that were tried in vain. */
  findByFileName(file: string): { series: Series | null; tried: string[] } {
    const { instrument, tried } = this.#directory.findByFileName(file);
    return { series: instrument && this.#of(instrument), tried };
  }

  #of(instrument: KnownInstrument): Series {
    let series = this.#byId.get(instrument.id);
    if (!series) {
      series = {
        instrument,
        idBytes: Buffer.from(instrument.id),
        currencyBytes: Buffer.from(instrument.currency),
        holidays: this.#holidays.get(instrument.marketId) ?? NO_HOLIDAYS,
        years: new Map(),
        previousDay: Number.NaN,
        previousClose: Number.NaN,
        previousAdjusted: Number.NaN,
      };
      this.#byId.set(instrument.id, series);
    }
    return series;
  }
}

const NO_HOLIDAYS: ReadonlySet<number> = new Set();
