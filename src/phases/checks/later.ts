import type { Phase } from '../../platform/program.ts';
import { campaignArgv, sleeveIds } from '../campaign.ts';
import { type CheckSpec, type Facts, figureOf, notOk, ok } from '../check.ts';
import type { Requirements } from '../config.ts';
import type { Evidence, VectorCell } from '../evidence.ts';
import { type ByYear, tradingDaysByYear, vectorsByYear } from '../expectations.ts';
import type { Probe } from '../probes.ts';
import { ageInDays, count, counted, percent, some } from '../words.ts';
import { campaignRuns } from './p1.ts';
import { judgeShare, span, stem } from './share.ts';

/**
 * Commands of the plan for the later phases and whether this version has them; a test holds the flags equal to the
 * command list. A check never proposes a command that does not exist.
 */
export const LATER_COMMANDS: Readonly<
  Record<
    string,
    { readonly phase: Phase; readonly available: boolean; readonly argv: (need: Requirements) => string[] }
  >
> = {
  'backfill opportunity-density': {
    phase: 'P3',
    available: true,
    // A home has states only where a campaign or a backfill wrote them: computed ones cover the whole span.
    argv: ({ lambda, market }) => [
      ...['--start', lambda.start, '--end', lambda.end, '--market', market, '--stab', 'compute'],
    ],
  },
  'lambda train': {
    phase: 'P3',
    available: true,
    argv: ({ lambda, market }) => ['--market', market, '--start', lambda.trainStart, '--end', lambda.end],
  },
  'backfill text-embeddings': {
    phase: 'P4',
    available: true,
    argv: ({ context, market }) => [
      ...['--model-id', context.textModel, '--start', context.start, '--end', context.end],
      ...['--market', market, '--skip-existing'],
    ],
  },
  'backfill joint-profiles': { phase: 'P4', available: true, argv: (need) => jointArgv(need, 'profile') },
  'backfill joint-regime-context': { phase: 'P4', available: true, argv: (need) => jointArgv(need, 'regime') },
  'backfill joint-stab-fragility': { phase: 'P4', available: true, argv: (need) => jointArgv(need, 'stab') },
  'backfill joint-assessment-context': { phase: 'P4', available: true, argv: (need) => jointArgv(need, 'assessment') },
};

/** The joint model of a kind that the configuration names, over its span. */
function jointArgv({ context, market }: Requirements, kind: string): string[] {
  const model = context.jointModels.find((one) => stem(one) === kind);
  return [
    ...(model ? ['--model-id', model] : []),
    ...['--start', context.start, '--end', context.end, '--market-id', market],
    ...(kind === 'stab' ? [] : ['--text-model-id', context.textModel]),
  ];
}

/** The backfill that fills a joint model. */
const JOINT_COMMANDS: Readonly<Record<string, string>> = {
  profile: 'backfill joint-profiles',
  regime: 'backfill joint-regime-context',
  stab: 'backfill joint-stab-fragility',
  assessment: 'backfill joint-assessment-context',
};

/** The command that would fill a hole, or null and a sentence when this version does not have it yet. */
function remedy(name: string, need: Requirements): { fix: string | null; note: string } {
  const command = LATER_COMMANDS[name];
  if (command.available) return { fix: [name, ...command.argv(need)].join(' '), note: '' };
  return { fix: null, note: `. The engine for it arrives with Phase ${command.phase.slice(1)} in a later version` };
}

/** Phase 3 is optional: what a reader would gain by it. */
const WHAT_P3_ADDS =
  'Phase 3 is optional: it forecasts where the members of a cluster will lie apart, so that universes can prefer such clusters; without it they rank by stability, volume and assessment alone';

interface DayCheck {
  readonly id: string;
  readonly title: string;
  /** What has the rows, for sentences. */
  readonly what: string;
  readonly model: string;
  readonly look: (evidence: Evidence) => Probe<readonly VectorCell[]>;
  readonly limits: (need: Requirements) => { start: string; end: string; minShare: number };
  /** The command that fills it. */
  readonly command: string;
  /** What it would be good for, said while there is nothing. */
  readonly adds?: string;
}

/** Rows counted in trading days of the span that have prices. */
const dayCheck = ({ id, title, what, model, look, limits, command, adds }: DayCheck): CheckSpec => ({
  id,
  title,
  required: (need) => {
    const { minShare, start, end } = limits(need);
    return `≥ ${percent(minShare)} of trading days with prices, ${start} → ${end}`;
  },
  looks: (evidence) => [look(evidence), evidence.prices, evidence.gaps],
  judge: ({ evidence, need }) => {
    const { first, last } = span(limits(need));
    const prices = figureOf(evidence.prices);
    const { calendar } = figureOf(evidence.gaps);
    const expected: ByYear =
      prices.first === null || prices.last === null
        ? new Map()
        : tradingDaysByYear(calendar, Math.max(first, prices.first), Math.min(last, prices.last));
    const seen = vectorsByYear(figureOf(look(evidence)), model);
    const { fix, note } = remedy(command, need);
    const empty = adds ? `${note}. ${adds}` : note;
    return judgeShare(what, 'day', seen, expected, limits(need), { fix, note: seen.size ? note : empty });
  },
});

const text: CheckSpec = {
  id: 'P4.text',
  title: 'text vectors of the news',
  required: ({ context: c }) => `≥ ${percent(c.minShare)} of articles ${c.start} → ${c.end} by ${c.textModel}`,
  looks: (evidence) => [evidence.text, evidence.news],
  judge: ({ evidence, need }) => {
    const { first, last } = span(need.context);
    const expected = new Map<number, number>();
    for (const one of figureOf(evidence.news)) {
      if (one.day < first || one.day > last) continue;
      const year = new Date(one.day * 86_400_000).getUTCFullYear();
      expected.set(year, (expected.get(year) ?? 0) + one.articles);
    }
    const model = need.context.textModel;
    const seen = vectorsByYear(figureOf(evidence.text), model);
    return judgeShare(model, 'article', seen, expected, need.context, remedy('backfill text-embeddings', need));
  },
};

/** The plan's campaign by the context backend, over the joint model that the configuration names. */
export function contextCampaignArgv(need: Requirements): string[] {
  const model = need.context.jointModels.find((one) => stem(one) === 'assessment') ?? 'joint-assessment-context-v1';
  return [
    ...campaignArgv(need),
    ...['--assessment-backend', 'context', '--assessment-context-model-id', model],
    // The head that is fitted goes with v2 vectors; those of v1 have the original's formula.
    ...(model.endsWith('-v1') ? ['--assessment-model-id', 'assessment-context-v1'] : []),
  ];
}

const contextRuns: CheckSpec = {
  id: 'P4.runs',
  title: 'a run by the context backend for each sleeve',
  required: (need) =>
    `${counted(need.campaign.sleeves.length, 'sleeve')} over ${need.campaign.start} → ${need.campaign.end} with --assessment-backend context`,
  looks: (evidence) => [evidence.runs],
  judge: ({ evidence, need }) => {
    const sleeves = sleeveIds(need);
    const found = campaignRuns(figureOf(evidence.runs), sleeves, 'context');
    const observed = `${count(found.length)} of ${counted(sleeves.length, 'sleeve')}`;
    if (found.length === sleeves.length) return ok(observed);
    const lacking = sleeves.filter((sleeve) => !found.some((run) => run.sleeveId === sleeve));
    return notOk(
      found.length ? 'PART' : 'WAIT',
      observed,
      `no complete context run of ${some(lacking)}`,
      contextCampaignArgv(need).join(' '),
      'no context run yet',
    );
  },
};

/** The model of `lambda train` and what it has to beat, by their names in the ledger. */
const FORECAST = 'har_ridge';
const BASELINES = ['persistence_lambda_fitted', 'persistence_dispersion_21_fitted'];

const forecast: CheckSpec = {
  id: 'P3.forecast',
  title: 'a λ̂ that beats persistence',
  required: ({ lambda }) =>
    `R² out of sample ≥ ${lambda.minGain} above persistence of λ and of 21-day dispersion, every horizon`,
  looks: (evidence) => [evidence.forecast],
  judge: ({ evidence, need, now }) => {
    const rows = figureOf(evidence.forecast);
    const { fix, note } = remedy('lambda train', need);
    if (rows.length === 0) {
      return notOk('WAIT', 'none', `no λ̂ has been trained${note}. ${WHAT_P3_ADDS}`, fix, 'no λ̂ yet');
    }
    const r2 = (horizon: number, model: string) =>
      rows.find((row) => row.horizon === horizon && row.model === model)?.r2 ?? Number.NaN;
    const gains = [...new Set(rows.map((row) => row.horizon))].map((horizon) => ({
      horizon,
      gain: Math.min(...BASELINES.map((name) => r2(horizon, FORECAST) - r2(horizon, name))),
    }));
    const observed = gains
      .map(({ horizon, gain }) => `h=${horizon} R² ${r2(horizon, FORECAST).toFixed(2)}, gain ${gain.toFixed(2)}`)
      .join(' · ');
    const at = rows[0].at;
    const weak = gains.filter(({ gain }) => !(gain >= need.lambda.minGain));
    if (weak.length === 0) return ok(`${observed} · ${ageInDays(at, now)}`, observed, at);
    const reason = `λ̂ gains less than ${need.lambda.minGain} in R² over persistence at ${weak.map(({ horizon }) => `h=${horizon}`).join(', ')}: there is no case for wiring it`;
    return notOk('PART', observed, reason, fix, 'λ̂ does not beat persistence', at);
  },
};

const lambdaRuns: CheckSpec = {
  id: 'P3.runs',
  title: 'a run with λ̂ for each sleeve',
  required: (need) =>
    `${counted(need.campaign.sleeves.length, 'sleeve')} over ${need.campaign.start} → ${need.campaign.end} with --lambda-table or --lambda-csv`,
  looks: (evidence) => [evidence.runs, evidence.forecast],
  judge: ({ evidence, need }) => {
    const sleeves = sleeveIds(need);
    const found = campaignRuns(figureOf(evidence.runs), sleeves, 'basic+lambda');
    const observed = `${count(found.length)} of ${counted(sleeves.length, 'sleeve')}`;
    if (found.length === sleeves.length) return ok(observed);
    const lacking = sleeves.filter((sleeve) => !found.some((run) => run.sleeveId === sleeve));
    const reason = `no complete run with λ̂ of ${some(lacking)}`;
    if (figureOf(evidence.forecast).length === 0) {
      return notOk(
        'BLKD',
        observed,
        `${reason}, and no λ̂ to run with`,
        remedy('lambda train', need).fix,
        'no λ̂ to run with',
      );
    }
    return notOk(
      found.length ? 'PART' : 'WAIT',
      observed,
      reason,
      lambdaCampaignArgv(need).join(' '),
      'no run with λ̂ yet',
    );
  },
};

/** The plan's campaign with the λ̂ that `lambda train` keeps: in deviations, for λ̂ itself moves no score of 100. */
export const lambdaCampaignArgv = (need: Requirements): string[] => [
  ...campaignArgv(need),
  ...['--lambda-table', 'console.lambda_predictions', '--lambda-experiment-id', 'HAR_H21'],
  ...['--lambda-score-column', 'lambda_z', '--lambda-score-weight', '10'],
];

/** The checks of the later phases: models come from the configuration. */
export const laterChecks = (need: Facts['need']): Readonly<Record<'P3' | 'P4', readonly CheckSpec[]>> => ({
  P3: [
    dayCheck({
      id: 'P3.lambda',
      title: 'opportunity density λ',
      what: 'opportunity density',
      model: 'lambda',
      look: (evidence) => evidence.lambda,
      limits: (need) => need.lambda,
      command: 'backfill opportunity-density',
      adds: WHAT_P3_ADDS,
    }),
    forecast,
    lambdaRuns,
  ],
  P4: [
    text,
    ...need.context.jointModels.map((model) =>
      dayCheck({
        id: `P4.${stem(model)}`,
        title: `joint vectors of ${model}`,
        what: model,
        model,
        look: (evidence) => evidence.joint,
        limits: (need) => need.context,
        command: JOINT_COMMANDS[stem(model)] ?? 'backfill joint-assessment-context',
      }),
    ),
    contextRuns,
  ],
});
