/** The programs `backfill joint-…`. */
import { formatDay, parseDay } from '../../src/platform/dates.ts';
import { Exit, UsageError, UserError } from '../../src/platform/errors.ts';
import { log, stage } from '../../src/platform/events.ts';
import { type Program, type ProgramContext, type ProgramResult, parseRange } from '../../src/platform/program.ts';
import { makeCalendar, requireHolidays, tradingDaysBefore } from '../market/calendar.ts';
import type { Instrument } from '../market/panel.ts';
import { loadHolidays, loadInstruments } from '../market/storage.ts';
import { readMarketClose } from '../text/backfill/news.storage.ts';
import { closingInstants } from '../text/backfill/trading-day.model.ts';
import { DayBuilder, type JointInputs } from './build.ts';
import { type Branch, type JointKind, type JointSpace, type JointVersion, jointSpace, versionOf } from './ids.model.ts';
import { readRegion } from './region.storage.ts';
import { profileTexts, regimeVectors } from './sources.storage.ts';
import type { jointAssessmentSpec, jointProfilesSpec, jointRegimeSpec, jointStabSpec } from './spec.ts';
import { daysWithRows, type JointRow, type Owned, removeRows, writeRows } from './storage.ts';

/** Trading days that are written in one transaction. */
const CHUNK_DAYS = 10;
/** Stored vectors that cannot be used, named at most. */
const NAMED = 20;

interface JointArgs {
  readonly asOf?: string;
  readonly start?: string;
  readonly end?: string;
  readonly marketId: string;
  readonly region?: string;
  readonly modelId: string;
  readonly textModelId: string;
  readonly skipExisting: boolean;
  readonly json: boolean;
}

const ONES: Readonly<Record<Branch, number>> = { numeric: 1, profile: 1, regime: 1, stab: 1, text: 1 };

export const backfillJointProfiles: Program<typeof jointProfilesSpec> = (args, context) =>
  run('profile', args, context, {
    weights: { ...ONES, text: args.wText, regime: args.wRegime },
    profileTextModel: args.profileTextModelId,
  });

export const backfillJointRegime: Program<typeof jointRegimeSpec> = (args, context) =>
  run('regime', args, context, { weights: { ...ONES, regime: args.wRegime, text: args.wText } });

export const backfillJointStab: Program<typeof jointStabSpec> = (args, context) =>
  run('stab', args, context, { weights: { ...ONES, stab: args.wStab, profile: args.wProfile } });

export const backfillJointAssessment: Program<typeof jointAssessmentSpec> = (args, context) =>
  run('assessment', args, context, {
    weights: { ...ONES, profile: args.wProfile, regime: args.wRegime, stab: args.wStab, text: args.wText },
    textWindowDays: args.textWindowDays,
  });

interface KindOptions {
  readonly weights: Readonly<Record<Branch, number>>;
  readonly textWindowDays?: number;
  readonly profileTextModel?: string;
}

/** Numeric models that a version is joined of. */
const numericModels = (version: JointVersion) => ({
  profile: `num-profile-core-${version}`,
  regime: `num-regime-core-${version}`,
  stab: `num-stab-core-${version}`,
});

async function run(
  kind: JointKind,
  args: JointArgs,
  context: ProgramContext,
  options: KindOptions,
): Promise<ProgramResult> {
  const { databases, events, signal, stdout } = context;
  const space = spaceOf(kind, args.modelId);
  const range = rangeOf(args);
  stage(events, 'read calendar and instruments', 1, 2);
  const instruments = await loadInstruments(databases.runtime, args.marketId);
  const holidays = await loadHolidays(databases.historical, args.marketId);
  requireHolidays(args.marketId, range.start, range.end, holidays);
  const window = options.textWindowDays ?? 1;
  // The days before serve the news window, and the close before the first day.
  const calendar = makeCalendar(
    args.marketId,
    tradingDaysBefore(range.start - window, 2, holidays),
    range.end,
    holidays,
  );
  const closes = closingInstants(calendar.days, await readMarketClose(databases.runtime, args.marketId));
  const region = args.region ?? (await readRegion(databases.runtime, args.marketId));
  const bad = new BadVectors();
  const inputs: JointInputs = {
    space,
    marketId: args.marketId,
    instruments,
    region,
    models: { ...numericModels(space.version), text: args.textModelId },
    weights: options.weights,
    textWindowDays: window,
    profileTexts: options.profileTextModel
      ? await profileTexts(databases.historical, options.profileTextModel, bad.add)
      : new Map(),
    regimes:
      kind === 'regime'
        ? await regimeVectors(databases.runtime, region, { first: range.start, last: range.end }, bad.add)
        : new Map(),
    session: (day) => {
      const at = calendar.days.indexOf(day);
      return { from: closes[at - 1], to: closes[at] };
    },
    onBad: bad.add,
  };
  const days = [...calendar.days].filter((day) => day >= range.start && day <= range.end);
  if (days.length === 0)
    throw new UserError(
      `${formatDay(range.start)} … ${formatDay(range.end)} holds no trading day`,
      'Give another span.',
    );
  const owned = ownedBy(kind, instruments, region);
  stage(events, `join ${space.modelId}`, 2, 2);
  let written = 0;
  let left = 0;
  await databases.historical.client(async (reader) => {
    const builder = new DayBuilder(reader, inputs);
    for (let from = 0; from < days.length; from += CHUNK_DAYS) {
      signal.throwIfAborted();
      const span = days.slice(from, from + CHUNK_DAYS);
      const there = args.skipExisting
        ? await daysWithRows(reader, space, { first: span[0], last: span[span.length - 1] }, owned)
        : new Set<string>();
      const due = span.filter((day) => !there.has(formatDay(day)));
      left += span.length - due.length;
      const rows: JointRow[] = [];
      for (const day of due) {
        signal.throwIfAborted();
        rows.push(...(await builder.rows(day, calendar.days.subarray(0, calendar.days.indexOf(day) + 1))));
      }
      if (due.length > 0) {
        await databases.historical.transaction(async (client) => {
          await removeRows(client, space, due.map(formatDay), owned);
          written += await writeRows(client, space, rows);
        });
      }
      events.emit({
        type: 'progress',
        done: Math.min(days.length, from + CHUNK_DAYS),
        total: days.length,
        unit: 'days',
      });
      events.emit({ type: 'metric', name: 'rows', value: written, unit: 'rows', at: formatDay(span[span.length - 1]) });
    }
  });
  for (const line of bad.lines()) log(events, 'warn', line);
  const kept = left > 0 ? `, ${left} days left as they were` : '';
  const summary = `${written} rows of ${space.modelId} on ${days.length} trading days${kept}${bad.count > 0 ? `, ${bad.count} stored vectors could not be used` : ''}`;
  if (!args.json) stdout(`model_id,days,written,failed\n${[space.modelId, days.length, written, bad.count].join()}\n`);
  const partial = bad.count > 0;
  events.emit({
    type: 'result',
    status: partial ? 'partial' : 'done',
    summary,
    rows: { joint_embeddings: written },
    // Days that were left alone, and branches that are not there, are no rows that are missing.
    due: left === days.length || written > 0 ? written : days.length,
    failures: bad.count,
  });
  return {
    exitCode: partial ? Exit.partial : Exit.done,
    summary,
    data: {
      model_id: space.modelId,
      days: days.length,
      written,
      days_left: left,
      failed: bad.count,
      failures: bad.named,
    },
  };
}

function spaceOf(kind: JointKind, modelId: string): JointSpace {
  const version = versionOf(kind, modelId);
  if (version) return jointSpace(kind, version);
  const ids = (['v1', 'v2'] as const).map((one) => jointSpace(kind, one).modelId);
  throw new UsageError(`--model-id ${modelId} is no model of this kind`, `Allowed: ${ids.join(', ')}.`);
}

function rangeOf({ asOf, start, end }: JointArgs): { start: number; end: number } {
  if (asOf !== undefined) {
    if (start !== undefined || end !== undefined) {
      throw new UsageError('--as-of excludes --start and --end', 'Give one day or a range.');
    }
    return { start: parseDay(asOf), end: parseDay(asOf) };
  }
  if (start === undefined || end === undefined)
    throw new UsageError('--start and --end are needed, or --as-of', 'Give them.');
  return parseRange({ start, end });
}

function ownedBy(kind: JointKind, instruments: readonly Instrument[], region: string): Owned {
  if (kind === 'regime') return { key: 'region', ids: [region] };
  if (kind === 'profile') {
    return { key: 'issuer_id', ids: [...new Set(instruments.flatMap(({ issuerId }) => issuerId ?? []))] };
  }
  return { key: 'entity_id', ids: instruments.map(({ id }) => id) };
}

/** Stored vectors that cannot be used: each is counted once. */
class BadVectors {
  readonly #seen = new Map<string, string>();
  readonly add = (what: string, reason: string): void => void this.#seen.set(what, reason);

  get count(): number {
    return this.#seen.size;
  }

  get named(): readonly { readonly what: string; readonly reason: string }[] {
    return [...this.#seen].slice(0, NAMED).map(([what, reason]) => ({ what, reason }));
  }

  lines(): string[] {
    const more = this.count - NAMED;
    return [...this.named.map(({ what, reason }) => `${what} ${reason}`), ...(more > 0 ? [`and ${more} more`] : [])];
  }
}
