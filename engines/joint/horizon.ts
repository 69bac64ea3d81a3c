/** Joint vectors due over many years, for the planner of the full horizon: by the inputs that stand. */
import { civilFromDay, parseDay } from '../../src/platform/dates.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import type { HorizonRequest, KindRows, ModelRows } from '../../src/queue/horizon.ts';
import { withoutStanding } from '../../src/queue/standing.ts';
import { makeCalendar, requireHolidays } from '../market/calendar.ts';
import { loadHolidays } from '../market/storage.ts';
import { JOINT_KINDS, type JointSpace, spaceOf } from './ids.model.ts';
import {
  INPUT_WORDS,
  type InputName,
  type InputYear,
  inputsOf,
  profileTextInput,
  regimeDays,
  stateOf,
  yearsOf,
} from './inputs.storage.ts';
import { readRegion } from './region.storage.ts';
import { jointAssessmentSpec, jointProfilesSpec, jointRegimeSpec, jointStabSpec } from './spec.ts';

const SPECS = {
  profile: jointProfilesSpec,
  regime: jointRegimeSpec,
  stab: jointStabSpec,
  assessment: jointAssessmentSpec,
} as const;

/** What the commands go by where no flag says otherwise. */
interface Defaults {
  readonly textModelId?: string;
  readonly profileTextModelId?: string;
  readonly textWindowDays?: number;
}

type Databases = ProgramContext['databases'];

/** @throws UserError for a market that is not there, or a calendar without holidays. */
export async function jointHorizon(request: HorizonRequest, databases: Databases): Promise<KindRows> {
  const { market, start, end } = request;
  const spaces = request.models
    .map((id) => spaceOf(id)!)
    .sort((a, b) => JOINT_KINDS.indexOf(a.kind) - JOINT_KINDS.indexOf(b.kind));
  const holidays = await loadHolidays(databases.historical, market);
  requireHolidays(market, parseDay(start), parseDay(end), holidays);
  const tradingDays = makeCalendar(market, parseDay(start), parseDay(end), holidays).days;
  const due: Pick<ModelRows, 'modelId' | 'byYear'>[] = [];
  const lacks: string[] = [];
  for (const space of spaces) {
    const found = await rowsOf(space, request, tradingDays, databases);
    due.push({ modelId: space.modelId, byYear: found.byYear });
    lacks.push(...found.lacks.map((what) => `${space.modelId}: ${what}`));
  }
  return {
    kind: 'joint',
    table: 'joint_embeddings',
    models: await withoutStanding(databases.historical, due, {
      text: `SELECT model_id AS model, as_of_date::date AS day, count(*) AS rows FROM joint_embeddings
              WHERE model_id = ANY ($1) AND as_of_date::date BETWEEN $2 AND $3 GROUP BY 1, 2`,
      values: [request.models, start, end],
    }),
    lacks,
    commands: (span) =>
      spaces.map(({ kind, modelId }) => [
        ...SPECS[kind].name.split(' '),
        ...['--start', span.start, '--end', span.end, '--market-id', market, '--model-id', modelId, '--skip-existing'],
      ]),
  };
}

/** Rows of a space that can be due at most, as its backfill counts them, and which of its inputs do not stand yet. */
async function rowsOf(
  space: JointSpace,
  { market, start, end }: HorizonRequest,
  tradingDays: Int32Array,
  { historical, runtime }: Databases,
): Promise<{ byYear: ReadonlyMap<number, number>; lacks: string[] }> {
  const { textModelId, profileTextModelId, textWindowDays = 1 } = SPECS[space.kind].args.parse({}) as Defaults;
  const inputs = inputsOf(space, { start, end, textModel: textModelId ?? null, textWindowDays });
  const lacks: string[] = [];
  const of = tradingDays.length;
  let byYear: ReadonlyMap<number, number>;
  let own: InputName | null = null;
  if (space.kind === 'regime') {
    // A row a trading day: regimes are no vectors of this database.
    byYear = new Map(
      [...Map.groupBy(tradingDays, (day) => civilFromDay(day).year)].map(([year, days]) => [year, days.length]),
    );
    const region = await readRegion(runtime, market);
    const days = await regimeDays(runtime, region, { start, end });
    if (days < of) lacks.push(`regimes of ${region} stand on ${days} of ${of} trading days; the others get no row`);
  } else {
    // Every vector is about one of its input; an assessment about whichever there is more of.
    const names = space.kind === 'assessment' ? (['stab', 'profiles'] as const) : ([space.kind] as const);
    const found = await Promise.all(
      names.map(async (name) => ({ name, years: await yearsOf(historical, inputs[name]!) })),
    );
    const most = found.reduce((a, b) => (sum(b.years, 'rows') > sum(a.years, 'rows') ? b : a));
    own = most.name;
    byYear = new Map(most.years.map(({ year, rows }) => [year, rows]));
    const days = sum(most.years, 'days');
    const what = `vectors of ${inputs[most.name]!.modelId}`;
    if (days < of) lacks.push(`${what} stand on ${days} of ${of} trading days; rows of the others are not counted`);
  }
  for (const [name, input] of Object.entries(inputs) as [InputName, (typeof inputs)[InputName]][]) {
    if (name === own || (await stateOf(historical, input!)).rows > 0) continue;
    lacks.push(`there is no ${INPUT_WORDS[name]} vector yet`);
  }
  if (profileTextModelId !== undefined && space.version === 'v1') {
    const { rows } = await stateOf(historical, profileTextInput(profileTextModelId));
    if (rows === 0) lacks.push(`there is no profile text of ${profileTextModelId}, without which no row is written`);
  }
  return { byYear, lacks };
}

const sum = (years: readonly InputYear[], key: 'rows' | 'days'): number =>
  years.reduce((total, one) => total + one[key], 0);
