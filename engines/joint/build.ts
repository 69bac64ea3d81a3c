/** The rows of one trading day of each joint space. */
import type pg from 'pg';
import { formatDay, MS_PER_DAY } from '../../src/platform/dates.ts';
import type { Instrument } from '../market/panel.ts';
import { type Branch, type JointSpace, type JointVersion, jointSpace } from './ids.model.ts';
import { joinTurned, meanOf, type Part, turned, weightedMean } from './join.model.ts';
import {
  issuerDayTexts,
  jointVectors,
  type NewsSum,
  newsMean,
  newsSum,
  numericVectors,
  type OnBad,
  type Vectors,
} from './sources.storage.ts';
import type { JointRow } from './storage.ts';

export interface JointInputs {
  readonly space: JointSpace;
  readonly marketId: string;
  readonly instruments: readonly Instrument[];
  readonly region: string;
  /** Numeric models by role, and that of the news; null for kinds that read none. */
  readonly models: {
    readonly profile: string;
    readonly regime: string;
    readonly stab: string;
    readonly text: string | null;
  };
  readonly weights: Readonly<Record<Branch, number>>;
  /** Calendar days of news before and with the day, for the assessment context. */
  readonly textWindowDays: number;
  readonly profileTexts: Vectors;
  /** By ISO date. */
  readonly regimes: Vectors;
  /** v2: instants from which and before which news belongs to a trading day (day number). */
  readonly session: (day: number) => { readonly from: number; readonly to: number };
  /**
   * v2: the last day that the fitted models behind the vectors have learnt from (`YYYY-MM-DD`), or
   * `FIT_END_UNKNOWN`; null when there is none.
   */
  readonly fitEnd: string | null;
  readonly onBad: OnBad;
}

/** The sources of a day, read through one connection, with the news sums of the days before kept. */
export class DayBuilder {
  readonly #client: pg.ClientBase;
  readonly #inputs: JointInputs;
  readonly #news = new Map<number, NewsSum>();

  constructor(client: pg.ClientBase, inputs: JointInputs) {
    this.#client = client;
    this.#inputs = inputs;
  }

  /** Rows of a trading day (day number), in the order of their entities. `before`: trading days up to it, ascending. */
  async rows(day: number, before: ArrayLike<number>): Promise<JointRow[]> {
    switch (this.#inputs.space.kind) {
      case 'profile':
        return this.#profiles(day);
      case 'regime':
        return this.#regime(day);
      case 'stab':
        return this.#stab(day);
      case 'assessment':
        return this.#assessment(day, before);
    }
  }

  async #profiles(day: number): Promise<JointRow[]> {
    const { instruments, marketId, models, space, profileTexts, onBad } = this.#inputs;
    const v2 = space.version === 'v2';
    const profiles = await numericVectors(
      this.#client,
      { model: models.profile, entityType: 'INSTRUMENT', day },
      onBad,
    );
    const regimes = await numericVectors(
      this.#client,
      { model: models.regime, entityType: v2 ? 'SECTOR' : 'INSTRUMENT', day },
      onBad,
    );
    const rows: JointRow[] = [];
    for (const { id, issuerId, sector } of firstOfIssuers(instruments)) {
      const profile = profiles.get(id);
      const regime = regimes.get(v2 ? `${marketId}|${sector}` : id);
      const text = profileTexts.get(issuerId);
      const scope = { entity_type: 'ISSUER', issuer_id: issuerId, instrument_id: id };
      if (v2) {
        // The issuer's own window is what the rest is said of: without it there is nothing to join.
        if (!profile) continue;
        const row = this.#joined(day, { ...scope, as_of_date: formatDay(day) }, [
          ['numeric', profile],
          ['regime', regime],
          ['text', text],
        ]);
        if (row) rows.push(row);
        continue;
      }
      const numeric = [profile, regime].filter((one) => one !== undefined);
      if (!text || numeric.length === 0) continue;
      const row = this.#joined(day, { ...scope, source: 'numeric+text', as_of_date: formatDay(day) }, [
        ['numeric', meanOf(numeric)],
        ['text', text],
      ]);
      if (row) rows.push(row);
    }
    return rows;
  }

  async #regime(day: number): Promise<JointRow[]> {
    const { region, regimes, space } = this.#inputs;
    const regime = regimes.get(formatDay(day));
    const text = newsMean([await this.#newsOf(day, space.version)]);
    // v1 is of days that have both; in v2 a day without news has its regime alone, and its branch mask says so.
    if (!regime || (space.version === 'v1' && !text)) return [];
    const row = this.#joined(day, { region }, [
      ['regime', regime],
      ['text', text ?? undefined],
    ]);
    return row ? [row] : [];
  }

  async #stab(day: number): Promise<JointRow[]> {
    const { instruments, models, space, onBad } = this.#inputs;
    const stabs = await numericVectors(this.#client, { model: models.stab, entityType: 'INSTRUMENT', day }, onBad);
    const profiles = await this.#joint('profile', 'issuer_id', day);
    return instruments.flatMap(({ id, issuerId }) => {
      const stab = stabs.get(id);
      if (!stab) return [];
      const profile = issuerId === null ? undefined : profiles.get(issuerId);
      const scope = { entity_id: id, ...(space.version === 'v2' ? { entity_type: 'INSTRUMENT' } : {}) };
      return (
        this.#joined(day, scope, [
          ['stab', stab],
          ['profile', profile],
        ]) ?? []
      );
    });
  }

  async #assessment(day: number, before: ArrayLike<number>): Promise<JointRow[]> {
    const { instruments, region, models, space, textWindowDays, onBad } = this.#inputs;
    const v2 = space.version === 'v2';
    const profiles = await this.#joint('profile', 'issuer_id', day);
    const regimes = await this.#joint('regime', 'region', day);
    const stabs = await this.#joint('stab', 'entity_id', day);
    const window = v2 ? tradingDaysWithin(before, day, textWindowDays) : calendarDays(day, textWindowDays);
    const sums: NewsSum[] = [];
    for (const one of window) sums.push(await this.#newsOf(one, space.version));
    for (const known of this.#news.keys()) if (known < window[0]) this.#news.delete(known);
    const market = newsMean(sums);
    const ofIssuer: Vectors = v2 ? await issuerDayTexts(this.#client, models.text!, day, onBad) : new Map();
    const regime = regimes.get(region);
    return instruments.flatMap(({ id, issuerId }) => {
      const profile = issuerId === null ? undefined : profiles.get(issuerId);
      const stab = stabs.get(id);
      // What is the same for every name says nothing about one: v2 wants something of the name's own.
      if (v2 && !profile && !stab) return [];
      const text = (issuerId === null ? undefined : ofIssuer.get(issuerId)) ?? market ?? undefined;
      const scope = {
        entity_type: 'INSTRUMENT',
        entity_id: id,
        as_of_date: formatDay(day),
        issuer_id: issuerId,
        region,
      };
      return (
        this.#joined(day, scope, [
          ['profile', profile],
          ['regime', regime],
          ['stab', stab],
          ['text', text],
        ]) ?? []
      );
    });
  }

  /** The joined row of the branches that are there; null when none is. */
  #joined(
    day: number,
    scope: Readonly<Record<string, unknown>>,
    branches: readonly (readonly [Branch, Float32Array | undefined])[],
  ): JointRow | null {
    const { space, weights, fitEnd } = this.#inputs;
    const present = branches.filter(
      (one): one is readonly [Branch, Float32Array] => one[1] !== undefined && weights[one[0]] > 0,
    );
    if (present.length === 0) return null;
    const names = present.map(([branch]) => branch).join('+');
    if (space.version === 'v1') {
      const parts = present.map(([branch, vector]): Part => ({ branch, vector, weight: weights[branch] }));
      const named = space.kind === 'assessment' ? { ...scope, source: names } : scope;
      return { day, scope: named, vector: weightedMean(parts) };
    }
    const parts = present.flatMap(([branch, vector]): Part[] => {
      const ready = this.#turned(branch, vector);
      return ready ? [{ branch, vector: ready, weight: weights[branch] }] : [];
    });
    const vector = joinTurned(parts);
    const masked = { ...scope, branches: parts.map(({ branch }) => branch).join('+') };
    return vector && { day, scope: fitEnd === null ? masked : { ...masked, fit_end: fitEnd }, vector };
  }

  /** Market-wide branches are the same vector for every name of a day: they are turned once. */
  readonly #ready = new WeakMap<Float32Array, Float32Array | null>();
  #turned(branch: Branch, vector: Float32Array): Float32Array | null {
    const known = this.#ready.get(vector);
    if (known !== undefined) return known;
    const ready = turned(branch, vector);
    this.#ready.set(vector, ready);
    return ready;
  }

  #joint(kind: 'profile' | 'regime' | 'stab', key: string, day: number): Promise<Vectors> {
    const { space, onBad } = this.#inputs;
    const { jointType, modelId } = jointSpace(kind, space.version);
    return jointVectors(this.#client, { jointType, model: modelId, key, day }, onBad);
  }

  /** News of a day: of the UTC day in v1; in v2 what was stamped from the close before it to just before its own. */
  async #newsOf(day: number, version: JointVersion): Promise<NewsSum> {
    const known = this.#news.get(day);
    if (known) return known;
    const { models, session, onBad } = this.#inputs;
    const span = version === 'v1' ? { from: day * MS_PER_DAY, to: (day + 1) * MS_PER_DAY } : session(day);
    const sum = await newsSum(this.#client, models.text!, span, onBad);
    this.#news.set(day, sum);
    return sum;
  }
}

/** Each issuer's first instrument by id; instruments come ascending by id. */
function firstOfIssuers(instruments: readonly Instrument[]): (Instrument & { readonly issuerId: string })[] {
  const seen = new Set<string>();
  return instruments.flatMap((instrument) => {
    const { issuerId } = instrument;
    if (issuerId === null || seen.has(issuerId)) return [];
    seen.add(issuerId);
    return [{ ...instrument, issuerId }];
  });
}

/** The calendar days t − n + 1 … t. */
const calendarDays = (day: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => day - count + 1 + k);

/** The trading days among them. */
function tradingDaysWithin(before: ArrayLike<number>, day: number, count: number): number[] {
  const days: number[] = [];
  for (let k = before.length - 1; k >= 0 && before[k] > day - count; k--) days.unshift(before[k]);
  return days;
}
