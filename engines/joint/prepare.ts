/** From a request to what is needed to work on it: days, closes, instruments, what the vectors are made from. */
import { createHash } from 'node:crypto';
import { parseDay } from '../../src/platform/dates.ts';
import { UserError } from '../../src/platform/errors.ts';
import { log } from '../../src/platform/events.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import { makeCalendar, requireHolidays, tradingDaysBefore } from '../market/calendar.ts';
import { loadHolidays, loadInstruments } from '../market/storage.ts';
import { latest } from '../models/made-by.storage.ts';
import { readMarketClose } from '../text/backfill/news.storage.ts';
import { closingInstants } from '../text/backfill/trading-day.model.ts';
import type { JointInputs } from './build.ts';
import { type JointSpace, jointSpace, numericModels, versionOf } from './ids.model.ts';
import {
  hasNews,
  INPUT_BRANCHES,
  INPUT_WORDS,
  type Input,
  type InputName,
  type InputState,
  inputsOf,
  stateOf,
} from './inputs.storage.ts';
import { inputsLearntFrom, regimesLearntFrom } from './learnt-from.storage.ts';
import { type JointBackfillSpec, type JointShard, planJointShards } from './plan.model.ts';
import { type OnBad, profileTexts, regimeVectors, type Vectors } from './sources.storage.ts';

export interface PreparedJoint {
  readonly spec: JointBackfillSpec;
  readonly shards: readonly JointShard[];
  /** Trading days of the request (day numbers), and those before that a news window reaches, ascending. */
  readonly days: readonly number[];
  readonly calendar: Int32Array;
  /** Vectors that can be due at most. */
  readonly due: number;
  readonly fingerprint: string;
  readonly inputs: Omit<JointInputs, 'onBad'>;
  /** Stored vectors read here that cannot be used; they count with the first shard. */
  readonly bad: readonly (readonly [what: string, reason: string])[];
  /** Why the result is partial whatever the shards write: there is news, and no vector of it; else null. */
  readonly missing: string | null;
  /** Why no row can be written; null when that is not known beforehand. */
  readonly none: string | null;
}

/** @throws UserError for a market that is not there, a calendar without holidays, days without what all vectors need. */
export async function prepareJoint(
  spec: JointBackfillSpec,
  { home, databases, signal, events }: Pick<ProgramContext, 'home' | 'databases' | 'signal' | 'events'>,
): Promise<PreparedJoint> {
  const { historical, runtime } = databases;
  const { kind, market } = spec;
  const space = jointSpace(kind, versionOf(kind, spec.models[0])!);
  const [start, end] = [parseDay(spec.start), parseDay(spec.end)];
  const instruments = await loadInstruments(runtime, market);
  const holidays = await loadHolidays(historical, market);
  requireHolidays(market, start, end, holidays);
  // The days before serve the news window, and the close before the first day.
  const calendar = makeCalendar(market, tradingDaysBefore(start - spec.textWindowDays, 2, holidays), end, holidays);
  const days = [...calendar.days].filter((day) => day >= start);
  if (days.length === 0) {
    throw new UserError(`${spec.start} … ${spec.end} holds no trading day`, 'Give another span.');
  }
  const closes = closingInstants(calendar.days, await readMarketClose(runtime, market));
  const at = new Map(Array.from(calendar.days, (day, k) => [day, k]));
  const bad: [string, string][] = [];
  const onBad: OnBad = (what, reason) => void bad.push([what, reason]);
  const regimes =
    kind === 'regime' ? await regimeVectors(runtime, spec.region, { first: start, last: end }, onBad) : new Map();
  const { states, used } = await statesOf(spec, space, historical);
  const places = { historical, folder: home.models };
  const fitEnd = latest([
    await inputsLearntFrom(used, spec, places),
    regimes.size ? await regimesLearntFrom(runtime, spec, places) : null,
  ]);
  const inputs: PreparedJoint['inputs'] = {
    space,
    marketId: market,
    instruments,
    region: spec.region,
    models: { ...numericModels(space.version), text: spec.textModel },
    weights: spec.weights,
    textWindowDays: spec.textWindowDays,
    profileTexts: spec.profileTextModel ? await profileTexts(historical, spec.profileTextModel, onBad) : new Map(),
    regimes,
    session: (day) => ({ from: closes[at.get(day)! - 1], to: closes[at.get(day)!] }),
    fitEnd: space.version === 'v2' ? fitEnd : null,
  };
  signal.throwIfAborted();
  const content = createHash('sha256');
  content.update(JSON.stringify([states, days, Array.from(closes), instruments, inputs.fitEnd]));
  for (const vectors of [inputs.profileTexts, inputs.regimes]) hashVectors(content, vectors);
  const none = requireInputs(spec, states, inputs, events);
  return {
    spec,
    shards: planJointShards(days.length, spec.shardDays),
    days,
    calendar: calendar.days,
    due: { profile: states.profile, regime: { rows: days.length }, stab: states.stab, assessment: states.own }[kind]!
      .rows,
    fingerprint: content.digest('hex'),
    inputs,
    bad,
    missing: await missingNews(spec, states, historical),
    none,
  };
}

/** What each input holds; `own` is the one that every vector of an assessment is about. */
type States = Readonly<Partial<Record<InputName | 'own', InputState>>>;

/** The state of each input, and the inputs that have a vector in the span and a weight. */
async function statesOf(
  spec: JointBackfillSpec,
  space: JointSpace,
  historical: ProgramContext['databases']['historical'],
): Promise<{ readonly states: States; readonly used: readonly Input[] }> {
  const found: [string, InputState][] = [];
  const used: Input[] = [];
  for (const [name, input] of Object.entries(inputsOf(space, spec))) {
    const state = await stateOf(historical, input);
    found.push([name, state]);
    if (state.rows > 0 && spec.weights[INPUT_BRANCHES[name as InputName]] > 0) used.push(input);
  }
  const states: States = Object.fromEntries(found);
  const { stab, profiles } = states;
  const own = space.kind === 'assessment' ? { own: stab!.rows >= profiles!.rows ? stab : profiles } : {};
  return { states: { ...own, ...states }, used };
}

/** Says which branch is nowhere in the span; returns why no row can be written, null when some can. @throws UserError when it is the one that every vector is about. */
function requireInputs(
  spec: JointBackfillSpec,
  states: States,
  { space, profileTexts }: Pick<PreparedJoint['inputs'], 'space' | 'profileTexts'>,
  events: ProgramContext['events'],
): string | null {
  const span = `from ${spec.start} to ${spec.end}`;
  if (states.stab?.rows === 0 && spec.kind === 'stab') {
    throw new UserError(
      `there is no vector of the stability model ${span}`,
      `Make them: prometheus backfill numeric-embeddings --start-date ${spec.start} --end-date ${spec.end} --models num-stab-core-${spec.models[0].slice(-2)}`,
    );
  }
  if (states.own?.rows === 0) {
    throw new UserError(
      `there is neither a joint profile nor a joint stability vector ${span}`,
      `Make them: prometheus backfill joint-stab-fragility --start ${spec.start} --end ${spec.end}`,
    );
  }
  let none: string | null = null;
  // A v1 profile or regime is of both its halves: without the text there is no row, not one without a branch.
  if (space.version === 'v1' && spec.kind === 'profile' && profileTexts.size === 0) {
    const text = `there is no profile text of ${spec.profileTextModel}`;
    none = `${text}: ${spec.models[0]} has rows of issuers with one only, so none is written (v2 needs none)`;
    log(events, 'warn', none);
  }
  const bothHalves = space.version === 'v1' && spec.kind === 'regime';
  for (const name of ['profile', 'profiles', 'regimes', 'news'] as const) {
    if (states[name]?.rows !== 0) continue;
    const lack = `there is no ${INPUT_WORDS[name]} vector ${span}`;
    const empty = `${lack}: ${spec.models[0]} has rows of days with both only, so none is written`;
    if (bothHalves) none ??= empty;
    log(events, 'warn', bothHalves ? empty : `${lack}: that branch is left out`);
  }
  return none;
}

/** The text model that has no vector at all in the span although there is news of it, in words; null for none. */
async function missingNews(
  { textModel, weights, start, end }: JointBackfillSpec,
  { news, texts }: States,
  historical: ProgramContext['databases']['historical'],
): Promise<string | null> {
  if (textModel === null || weights.text === 0 || news?.rows || texts?.rows) return null;
  if (!(await hasNews(historical, start, end))) return null;
  return `there is news from ${start} to ${end} and no vector of ${textModel}: prometheus backfill text-embeddings --model-id ${textModel}`;
}

function hashVectors(content: ReturnType<typeof createHash>, vectors: Vectors): void {
  for (const [id, vector] of vectors) content.update(id).update(vector);
}
