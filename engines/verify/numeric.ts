/** The program `verify numeric-embeddings`. */
import { formatCount } from '../../src/format/numbers.ts';
import { formatDay } from '../../src/platform/dates.ts';
import { Exit } from '../../src/platform/errors.ts';
import { stage } from '../../src/platform/events.ts';
import { type Program, type ProgramContext, parseRange } from '../../src/platform/program.ts';
import { Random } from '../../src/platform/random.ts';
import { encoderOf } from '../numeric/encoders.ts';
import { type Prepared, type PreparedModel, prepare } from '../numeric/prepare.ts';
import { V1_MODELS } from '../numeric/v1-ids.model.ts';
import { normOf } from '../numeric/vector.model.ts';
import { type Coverage, coverageOf, type Seen } from './numeric.model.ts';
import { countForProof, eachKey, eachVector, recordedCause, unknownInstruments } from './numeric.storage.ts';
import type { numericEmbeddingsSpec } from './spec.ts';
import { writeEvidence } from './storage.ts';

/** What was found of one model. */
interface Finding {
  readonly model_id: string;
  readonly window_days: number;
  readonly expected: number;
  readonly present: number;
  readonly share: number;
  readonly duplicates: number;
  /** Rows of days on which none is due. */
  readonly surplus: number;
  readonly first_surplus: string | null;
  readonly wrong_length: number;
  readonly other_window: number;
  /** Rows of no entity that the model can have, or of a day that is none of the market's. */
  readonly stray: number;
  readonly first_stray: string | null;
  readonly sampled: number;
  readonly not_finite: number;
  readonly zero_norm: number;
  readonly norm: { readonly min: number; readonly median: number; readonly max: number } | null;
  readonly recomputed: number;
  readonly different: number;
  /** The first vector that another computation gives otherwise. */
  readonly first_different: string | null;
  readonly first_hole: { readonly entity: string; readonly date: string; readonly cause: string } | null;
}

type State = 'OK' | 'PART' | 'FAIL';

export const verifyNumeric: Program<typeof numericEmbeddingsSpec> = async (args, context) => {
  const { databases, events, signal } = context;
  const { start, end } = parseRange({ start: args.startDate, end: args.endDate }, ['--start-date', '--end-date']);
  const models = [...new Set(args.models.length ? args.models : V1_MODELS)];
  const span = { start: formatDay(start), end: formatDay(end) };
  stage(events, 'load prices', 1, 2);
  const counted = await countForProof(databases.historical, models, span);
  const prepared = await prepare(
    {
      market: args.market,
      ...span,
      models,
      window: args.windowDays ?? null,
      limit: args.limit ?? null,
      snapshots: false,
      skipExisting: false,
      shardCells: 1_000_000,
    },
    context,
  );
  stage(events, 'compare', 2, 2);
  const findings: Finding[] = [];
  for (const [k, model] of prepared.models.entries()) {
    signal.throwIfAborted();
    findings.push(await lookAt(model, prepared, args, new Random(args.seed, k), context));
    events.emit({ type: 'progress', done: k + 1, total: prepared.models.length, unit: 'models' });
  }
  const judged = findings.map((finding) => ({ ...finding, ...judge(finding, args.minShare) }));
  const state = worst(judged);
  const reason = judged.flatMap((one) => one.reason || []).join('; ');
  const total = (key: 'expected' | 'present' | 'recomputed') => findings.reduce((sum, one) => sum + one[key], 0);
  const observed = {
    ...span,
    market: args.market,
    limit: args.limit ?? null,
    min_share: args.minShare,
    sample: args.sample,
    recompute: args.recompute,
    expected: total('expected'),
    present: total('present'),
    recomputed: total('recomputed'),
    data_fingerprint: prepared.panel.fingerprint,
    price_days_by_year: counted.priceDaysByYear,
    written_at: counted.writtenAt,
    models: judged.map((one) => ({ ...one, rows_by_year: counted.rowsByYear.get(one.model_id) })),
  };
  await writeEvidence(databases.runtime, {
    checkId: 'P2.verified',
    phase: 'P2',
    state,
    observed,
    required: { min_share: args.minShare, duplicates: 0, different: 0 },
    reason,
    provenance: context.provenance,
  });
  const counts = `${formatCount(observed.present)} of ${formatCount(observed.expected)} vectors, ${formatCount(observed.recomputed)} computed again`;
  const missing = findings.find(({ first_hole }) => first_hole);
  const whole = missing ? `enough of them (the first missing: ${holeText(missing)})` : 'all as they should be';
  const summary = state === 'OK' ? `${counts}: ${whole}` : `${state}: ${reason}`;
  const exitCode = { OK: Exit.done, PART: Exit.partial, FAIL: Exit.failed }[state];
  return { exitCode, summary, rows: { 'console.evidence': 1 }, data: { state, reason, ...observed } };
};

async function lookAt(
  prepared: PreparedModel,
  { panel, days }: Prepared,
  args: { sample: number; recompute: number },
  random: Random,
  context: ProgramContext,
): Promise<Finding> {
  const { historical } = context.databases;
  const { model, due, owned } = prepared;
  const { model_id: modelId, dim } = model.manifest;
  const T = panel.calendar.days.length;
  const entityAt = new Map(Array.from(owned, (e) => [`${due.entities[e].type}|${due.entities[e].id}`, e]));
  const dayAt = new Map(Array.from(days, (t) => [panel.calendar.days[t], t]));
  const seen: Seen = { rows: new Uint8Array(due.due.length), wrongLength: 0, otherWindow: 0, inside: 0 };
  const strays = new Map<string, Stray>();
  const ownTypes = new Set<string>(model.manifest.entities);
  const [first, last] = [panel.calendar.days[days[0]], panel.calendar.days[days[days.length - 1]]];
  await eachKey(historical, modelId, first, last, (type, id, day, bytes, window) => {
    const [e, t] = [entityAt.get(`${type}|${id}`), dayAt.get(day)];
    if (bytes !== dim * 4) seen.wrongLength++;
    if (window !== prepared.window) seen.otherWindow++;
    if (e === undefined || t === undefined) {
      // Other entities than the expected ones are judged below, once a name: they may be of another market.
      if (e === undefined && type !== 'INSTRUMENT' && ownTypes.has(type)) return;
      const stray = strays.get(`${type}|${id}`);
      if (stray) stray.rows++;
      else strays.set(`${type}|${id}`, { type, id, rows: 1, day });
      return;
    }
    seen.inside++;
    if (seen.rows[e * T + t] < 255) seen.rows[e * T + t]++;
  });
  const stray = await strayRows(strays, entityAt, ownTypes, context);
  const coverage = coverageOf(due.due, seen, owned, days, T);
  const values = await lookAtValues(prepared, { panel, days }, entityAt, args, random, context);
  return {
    model_id: modelId,
    window_days: prepared.window,
    expected: coverage.due,
    present: coverage.present,
    share: coverage.due ? coverage.present / coverage.due : 1,
    duplicates: coverage.duplicates,
    surplus: coverage.surplus,
    first_surplus:
      coverage.firstSurplus < 0
        ? null
        : `${due.entities[Math.floor(coverage.firstSurplus / T)].id} ${formatDay(panel.calendar.days[coverage.firstSurplus % T])}`,
    wrong_length: seen.wrongLength,
    other_window: seen.otherWindow,
    ...stray,
    ...values,
    first_hole: coverage.firstHole < 0 ? null : await describeHole(prepared, { panel }, coverage, context),
  };
}

/** Rows of one entity that are outside the expectation. */
interface Stray {
  readonly type: string;
  readonly id: string;
  rows: number;
  /** Of the first that was read. */
  readonly day: number;
}

/** What of the rows outside the expectation can be nobody's: not those of other markets or of names that are not active. */
async function strayRows(
  outside: ReadonlyMap<string, Stray>,
  expected: ReadonlyMap<string, number>,
  ownTypes: ReadonlySet<string>,
  { databases }: ProgramContext,
): Promise<Pick<Finding, 'stray' | 'first_stray'>> {
  const others = [...outside.values()].filter(
    ({ type, id }) => type === 'INSTRUMENT' && !expected.has(`${type}|${id}`),
  );
  const unknown = new Set(
    others.length
      ? await unknownInstruments(
          databases.runtime,
          others.map(({ id }) => id),
        )
      : [],
  );
  const strays = [...outside.entries()]
    .filter(([key, { type, id }]) => expected.has(key) || !ownTypes.has(type) || unknown.has(id))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([, stray]) => stray);
  return {
    stray: strays.reduce((sum, { rows }) => sum + rows, 0),
    first_stray: strays.length ? `${strays[0].id} ${formatDay(strays[0].day)}` : null,
  };
}

/** Values of the vectors of random days, and some of them computed again. */
async function lookAtValues(
  { model, window, inputs, due }: PreparedModel,
  { panel, days }: Pick<Prepared, 'panel' | 'days'>,
  entityAt: ReadonlyMap<string, number>,
  args: { sample: number; recompute: number },
  random: Random,
  { databases, signal }: ProgramContext,
) {
  const { model_id: modelId, dim } = model.manifest;
  const T = panel.calendar.days.length;
  const norms: number[] = [];
  const candidates: { cell: number; vector: Buffer }[] = [];
  // The shortest and the longest are always computed again: what is out of the ordinary must come from the prices.
  const extremes = [
    { sign: 1, norm: Number.POSITIVE_INFINITY, cell: -1, vector: Buffer.alloc(0) },
    { sign: -1, norm: Number.NEGATIVE_INFINITY, cell: -1, vector: Buffer.alloc(0) },
  ];
  let [sampled, notFinite] = [0, 0];
  for (const position of random.permutation(days.length)) {
    if (sampled >= args.sample) break;
    signal.throwIfAborted();
    const t = days[position];
    await eachVector(databases.historical, { modelId, dim, day: panel.calendar.days[t] }, (type, id, vector) => {
      sampled++;
      const norm = normOf(vector);
      if (Number.isNaN(norm)) notFinite++;
      else norms.push(norm);
      const e = entityAt.get(`${type}|${id}`);
      if (e === undefined || !due.due[e * T + t]) return;
      for (const extreme of extremes) {
        if (extreme.sign * (norm - extreme.norm) < 0) {
          Object.assign(extreme, { norm, cell: e * T + t, vector: Buffer.from(vector) });
        }
      }
      // A sample of fixed size of all that pass by (reservoir, algorithm R).
      const place = candidates.length < args.recompute ? candidates.length : random.below(sampled);
      if (place < args.recompute) candidates[place] = { cell: e * T + t, vector: Buffer.from(vector) };
    });
  }
  for (const { cell, vector } of extremes) {
    if (cell >= 0 && !candidates.some((one) => one.cell === cell)) candidates.push({ cell, vector });
  }
  let different = 0;
  let firstDifferent: string | null = null;
  if (candidates.length) {
    const encoder = await encoderOf(model).open({ panel, model, window }, inputs, 'cpu');
    const { vectors, problems } = await encoder.encode(Int32Array.from(candidates, ({ cell }) => cell));
    await encoder.close();
    const bytes = Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength);
    candidates.forEach(({ cell, vector }, k) => {
      if (!problems.has(k) && vector.equals(bytes.subarray(k * dim * 4, (k + 1) * dim * 4))) return;
      different++;
      firstDifferent ??= `${due.entities[Math.floor(cell / T)].id} ${formatDay(panel.calendar.days[cell % T])}`;
    });
  }
  norms.sort((a, b) => a - b);
  return {
    sampled,
    not_finite: notFinite,
    zero_norm: norms.filter((norm) => norm === 0).length,
    norm: norms.length ? { min: norms[0], median: norms[norms.length >> 1], max: norms[norms.length - 1] } : null,
    recomputed: candidates.length,
    different,
    first_different: firstDifferent,
  };
}

/** The first due vector that is not there, and why that is likely so. */
async function describeHole(
  { model, window, inputs, due }: PreparedModel,
  { panel }: Pick<Prepared, 'panel'>,
  { firstHole, holeDay, present }: Coverage,
  { databases }: ProgramContext,
): Promise<{ entity: string; date: string; cause: string }> {
  const T = panel.calendar.days.length;
  const entity = due.entities[Math.floor(firstHole / T)].id;
  const date = formatDay(panel.calendar.days[firstHole % T]);
  const modelId = model.manifest.model_id;
  const recorded = await recordedCause(databases.historical, modelId, entity, date);
  if (recorded) return { entity, date, cause: recorded };
  const encoder = await encoderOf(model).open({ panel, model, window }, inputs, 'cpu');
  const { problems } = await encoder.encode(Int32Array.of(firstHole));
  await encoder.close();
  const problem = problems.get(0);
  if (problem) return { entity, date, cause: problem };
  if (present === 0) return { entity, date, cause: 'no backfill has written this model yet' };
  if (holeDay.present === 0)
    return { entity, date, cause: 'no backfill has reached that day, or its rows were deleted' };
  return { entity, date, cause: 'its prices came after the backfill, or its row was deleted' };
}

const holeText = ({ first_hole: hole }: Finding): string => `${hole!.entity} ${hole!.date}: ${hole!.cause}`;

const worst = (found: readonly { readonly state: State }[]): State =>
  (['FAIL', 'PART'] as const).find((state) => found.some((one) => one.state === state)) ?? 'OK';

/** What was found of one model, as a state with its reasons. */
function judge(finding: Finding, minShare: number): { state: State; reason: string } {
  const problems: { state: State; text: string }[] = [];
  const wrong = (count: number, what: string) => {
    if (count) problems.push({ state: 'FAIL', text: `${finding.model_id}: ${formatCount(count)} ${what}` });
  };
  wrong(finding.duplicates, 'rows repeat a key');
  wrong(finding.wrong_length, 'vectors have another length than the model');
  wrong(finding.other_window, 'rows are of another window');
  wrong(finding.stray, `rows are of no entity of this model, or of no trading day (first: ${finding.first_stray})`);
  wrong(finding.not_finite, 'vectors hold a value that is no number');
  wrong(finding.zero_norm, 'vectors are all zeros');
  wrong(
    finding.different,
    `of ${formatCount(finding.recomputed)} vectors are not what the prices give (first: ${finding.first_different})`,
  );
  if (finding.expected === 0 || finding.share < minShare) {
    const where = finding.first_hole ? `; the first hole is ${holeText(finding)}` : '';
    problems.push({
      state: 'PART',
      text: `${finding.model_id}: ${finding.present} of ${finding.expected} expected vectors${where}`,
    });
  }
  if (finding.surplus) {
    problems.push({
      state: 'PART',
      text: `${finding.model_id}: ${finding.surplus} ${finding.surplus === 1 ? 'row is of a day' : 'rows are of days'} on which none is due (first: ${finding.first_surplus}); a backfill without --skip-existing removes them`,
    });
  }
  return { state: worst(problems), reason: problems.map(({ text }) => text).join('; ') };
}
