/** What the board knows about the world at one time: figures with their source, or the reason why there is none. Data only. */
import type { TradingDays } from './calendar.ts';
import type { Gain } from './paired-returns.ts';
import type { Probe, Unknown } from './probes.ts';

/** One instrument's prices in one calendar year. Dates are day numbers. */
export interface PriceCell {
  readonly instrument: string;
  readonly year: number;
  /** Distinct days with prices. */
  readonly days: number;
  readonly first: number;
  readonly last: number;
}

export interface PriceExtent {
  /** Rows of the table, duplicates included. */
  readonly rows: number;
  /** Rows beyond the first of the same instrument and day: only a table without its key has any. */
  readonly duplicates: number;
  readonly first: number | null;
  readonly last: number | null;
  readonly instruments: number;
  readonly cells: readonly PriceCell[];
}

/** A stretch of trading days without prices inside an instrument's own range. */
export interface Hole {
  readonly instrument: string;
  /** First and last missing trading day. */
  readonly from: number;
  readonly to: number;
  readonly days: number;
}

/** Prices against the calendar. */
export interface PriceGaps {
  readonly calendar: TradingDays;
  /** Trading days between the first and the last price on which no instrument has one. */
  readonly emptyDays: readonly number[];
  /** Distinct days with prices on closed days (weekends, holidays), by `instrument|year`: they never count as coverage. */
  readonly closedDayRows: ReadonlyMap<string, number>;
  /** Missing trading days inside own range by instrument, most first; instruments without any are left out. */
  readonly missing: readonly { readonly instrument: string; readonly days: number }[];
  /** Which days those are, ascending. */
  readonly missed: ReadonlyMap<string, readonly number[]>;
  /** Expected (instrument, trading day) cells inside the instruments' own ranges. */
  readonly expected: number;
  /** The longest hole of each instrument that has one, longest first. */
  readonly holes: readonly Hole[];
}

/** Articles of one UTC day. */
export interface NewsDay {
  readonly day: number;
  readonly articles: number;
}

/** Vectors of one model in one calendar year. */
export interface VectorCell {
  readonly model: string;
  readonly year: number;
  /** Distinct (entity, day) pairs, or distinct articles for text. */
  readonly vectors: number;
  readonly rows: number;
  readonly first: number;
  readonly last: number;
}

/** Vectors of a model, of the instruments that it is to embed, by day; all of one length. */
export interface VectorDays {
  /** Day numbers, ascending. */
  readonly days: readonly number[];
  /** Due and there, due and not there, and there on a day on which none is due. */
  readonly present: readonly number[];
  readonly missing: readonly number[];
  readonly surplus: readonly number[];
}

export interface SchemaState {
  /** Tables that the board relies on and the database lacks. */
  readonly missingTables: readonly string[];
  /** Migrations of this build that were not applied. */
  readonly pending: readonly string[];
  readonly applied: number;
  /** Made by the user's own Alembic. */
  readonly adopted: boolean;
  /** It is the other one of the two databases. */
  readonly swapped: boolean;
}

export interface RunRow {
  readonly runId: string;
  readonly sleeveId: string;
  readonly portfolioId: string;
  /** `basic` or `context`; runs of other systems that do not say are basic. `+lambda` follows where λ̂ was used,
   * `+lambda-unmatched` where it reached no member on any day. */
  readonly backend: string;
  readonly start: number;
  readonly end: number;
  readonly createdAt: number;
  /** False for a run that was started and never got its metrics. */
  readonly complete: boolean;
  /** What the run was made from: campaign, data and code, as far as the run says. Runs of one campaign agree in it. */
  readonly origin: string | null;
  /** What the run says of fills, costs, caps, prices and cash, by key of its configuration. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Shards of backfills that wrote vectors of a model on the same days; of the newest of them. */
export interface VectorWrite {
  readonly model: string;
  /** Day numbers. */
  readonly first: number;
  readonly last: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Whether vectors that stood there already were left as they were. */
  readonly addsOnly: boolean;
}

/** A basic and a context run of a sleeve over the same days. */
export interface PairRow {
  readonly sleeveId: string;
  readonly basic: string;
  readonly context: string;
  /** Of the newer one. */
  readonly createdAt: number;
}

export interface EquityFigures {
  readonly runId: string;
  readonly days: number;
  readonly rows: number;
  readonly first: number | null;
  readonly last: number | null;
  /** Values that are no finite number. */
  readonly bad: number;
  readonly min: number | null;
  readonly max: number | null;
}

export interface RunCounts {
  readonly runId: string;
  readonly trades: number;
  /** Position snapshots of the run's portfolio inside the run's days. */
  readonly positions: number;
}

/** Recorded evidence of a check that had to compute. */
export interface EvidenceRow {
  readonly checkId: string;
  readonly state: string;
  /** What the program has seen, as it recorded it. */
  readonly observed: Readonly<Record<string, unknown>> | null;
  readonly reason: string;
  readonly build: string | null;
  readonly at: number;
}

export interface TestRecord {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly build: string | null;
  /** Commit that was checked out, and whether files differed from it; null without git. */
  readonly sha: string | null;
  readonly dirty: boolean | null;
  readonly finishedAt: number;
}

export interface Suite {
  /** Its folder. */
  readonly root: string;
  /** The commit that is checked out there now; null without git. */
  readonly sha: string | null;
}

/** One model of a training of λ̂ and its R² out of sample. */
export interface ForecastRow {
  readonly horizon: number;
  readonly model: string;
  readonly r2: number;
  readonly at: number;
  /** Days that it was judged on. */
  readonly start: string | null;
  readonly end: string | null;
}

/** Baseline runs that were asked the same. */
export interface RepeatRow {
  readonly sleeveId: string;
  readonly runs: number;
  /** Different lists of trades among them. */
  readonly answers: number;
}

/** A run with λ̂ or context against its baseline. */
export interface GainRow {
  readonly sleeveId: string;
  readonly backend: string;
  /** Days of the run, and how many of them both runs have. */
  readonly start: string;
  readonly end: string;
  readonly days: number;
  /** What the run was asked for. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What the nearest baseline differs in besides what is tried: with anything there is no gain. Null: there is no baseline. */
  readonly unlike: readonly string[] | null;
  /** The run is older than that baseline. */
  readonly outdated: boolean;
  /** Null: no equal baseline, or too few days to say. */
  readonly gain: Gain | null;
  readonly at: number;
}

/** A phase that is left out. */
export interface SkipRow {
  readonly phase: string;
  readonly reason: string;
  readonly who: string;
  readonly at: number;
}

export interface NoteRow {
  readonly phase: string;
  readonly note: string;
  readonly who: string;
  readonly at: number;
}

export interface DecisionRow {
  readonly decision: string;
  readonly reason: string;
  /** Why it was made without the evidence; null when that was there. */
  readonly override: string | null;
  readonly who: string;
  readonly at: number;
}

export interface Evidence {
  readonly tests: Probe<TestRecord | null>;
  /** The user's own suite, where one is configured: what is checked out there; null without one. */
  readonly suite: Suite | null;
  /** What `verify tests` recorded last of it. */
  readonly suiteRun: Probe<EvidenceRow | null>;
  readonly historicalSchema: Probe<SchemaState>;
  readonly runtimeSchema: Probe<SchemaState>;
  /** Active equities of the market: those that numeric models embed. */
  readonly instruments: Probe<readonly string[]>;
  readonly holidays: Probe<readonly number[]>;
  readonly prices: Probe<PriceExtent>;
  readonly gaps: Probe<PriceGaps>;
  readonly news: Probe<readonly NewsDay[]>;
  readonly numeric: Probe<readonly VectorCell[]>;
  /** The plan's models against what prices, calendar and instruments make due. */
  readonly numericDays: Probe<ReadonlyMap<string, VectorDays>>;
  readonly text: Probe<readonly VectorCell[]>;
  /** Whether the configured text model is installed in this home. */
  readonly textModel: Probe<boolean>;
  readonly joint: Probe<readonly VectorCell[]>;
  /** Runs of the campaign's sleeves over its window: of each sleeve and backend the newest one and the newest complete one. */
  readonly runs: Probe<readonly RunRow[]>;
  readonly equity: Probe<readonly EquityFigures[]>;
  readonly counts: Probe<readonly RunCounts[]>;
  readonly pointInTime: Probe<EvidenceRow | null>;
  /** The newest record of `verify numeric-embeddings` that counts; without one the newest of any kind. */
  readonly numericProof: Probe<EvidenceRow | null>;
  /** When a backfill last wrote vectors of the plan's models and days (ISO, UTC); null without one. */
  readonly numericWrite: Probe<string | null>;
  /** The same of joint vectors on the days of the context runs. */
  readonly contextWrite: Probe<string | null>;
  /** When backfills wrote the vectors that contexts are joined of, and the contexts. */
  readonly contextParts: Probe<readonly VectorWrite[]>;
  /** Runs over the days on which the context backend is compared with the basic one. */
  readonly contextRuns: Probe<readonly RunRow[]>;
  /** Of each sleeve the two among them that are compared. */
  readonly pairs: Probe<readonly PairRow[]>;
  /** What `compare` recorded last of these pairs; where it never compared them all, what it recorded last. */
  readonly comparison: Probe<EvidenceRow | null>;
  /** Days with λ of known classes by year; empty when the table does not exist yet. */
  readonly lambda: Probe<readonly VectorCell[]>;
  /** Models of the newest training of λ̂; empty when there was none. */
  readonly forecast: Probe<readonly ForecastRow[]>;
  readonly repeats: Probe<readonly RepeatRow[]>;
  readonly gains: Probe<readonly GainRow[]>;
  readonly decision: Probe<DecisionRow | null>;
  /** What people noted on phases, newest first. */
  readonly notes: Probe<readonly NoteRow[]>;
  readonly skips: Probe<readonly SkipRow[]>;
}

/** The first of several looks that has no answer. */
export function firstUnknown(probes: readonly Probe<unknown>[]): Unknown | null {
  return probes.find((probe): probe is Unknown => !probe.known) ?? null;
}

/** What follows from several looks; unknown with the first of them that is. */
export function derived<T>(source: Probe<unknown>, others: readonly Probe<unknown>[], value: () => T): Probe<T> {
  const unknown = firstUnknown([source, ...others]);
  if (unknown) return unknownBecause(unknown);
  return { known: true, value: value(), at: source.at, costMs: source.costMs, source: source.source };
}

/** A look that could not be made because the one it builds on has no answer. */
export function unknownBecause(unknown: Unknown): Unknown {
  return { ...unknown, costMs: 0 };
}
