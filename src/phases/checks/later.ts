import type { Phase } from '../../platform/program.ts';
import { campaignArgv, sleeveIds } from '../campaign.ts';
import { type CheckSpec, figureOf, notOk, ok } from '../check.ts';
import type { Requirements } from '../config.ts';
import { ageInDays, count, counted, some } from '../words.ts';
import { dayCheck } from './days.ts';
import { campaignRuns } from './p1.ts';

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
    argv: ({ lambda, market }) => [
      ...['--market', market, '--start', lambda.trainStart, '--end', lambda.end],
      ...lambda.horizons.flatMap((horizon) => ['--horizon', String(horizon)]),
    ],
  },
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

/** The models of `lambda train`, of which the first that was fitted makes λ̂, and what it has to beat; names of the ledger. */
const FORECASTS = ['har_vectors', 'har_ridge'];
const BASELINES = ['persistence_lambda_fitted', 'persistence_dispersion_21_fitted'];

const forecast: CheckSpec = {
  id: 'P3.forecast',
  title: 'a λ̂ that beats persistence',
  required: ({ lambda }) =>
    `R² out of sample ≥ ${lambda.minGain} above persistence of λ and of 21-day dispersion at ${lambda.horizons.map((h) => `h=${h}`).join(', ')}`,
  looks: (evidence) => [evidence.forecast],
  judge: ({ evidence, need, now }) => {
    const rows = figureOf(evidence.forecast);
    const { fix, note } = remedy('lambda train', need);
    if (rows.length === 0) {
      return notOk('WAIT', 'none', `no λ̂ has been trained${note}. ${WHAT_P3_ADDS}`, fix, 'no λ̂ yet');
    }
    const r2 = (horizon: number, model: string) =>
      rows.find((row) => row.horizon === horizon && row.model === model)?.r2 ?? Number.NaN;
    const main = FORECASTS.find((name) => rows.some((row) => row.model === name)) ?? '';
    const gains = [...new Set(rows.map((row) => row.horizon))].map((horizon) => ({
      horizon,
      gain: Math.min(...BASELINES.map((name) => r2(horizon, main) - r2(horizon, name))),
    }));
    const absent = need.lambda.horizons.filter((horizon) => !gains.some((one) => one.horizon === horizon));
    const { start, end } = rows.find((row) => row.model === main) ?? rows[0];
    const observed = [
      ...gains.map(({ horizon, gain }) => `h=${horizon} R² ${r2(horizon, main).toFixed(2)}, gain ${gain.toFixed(2)}`),
      ...(start && end ? [`judged ${start} → ${end}`] : []),
    ].join(' · ');
    const at = rows[0].at;
    const weak = gains.filter(({ gain }) => !(gain >= need.lambda.minGain));
    if (absent.length > 0) {
      const lacking = absent.map((horizon) => `h=${horizon}`).join(', ');
      return notOk(
        'PART',
        observed,
        `the newest training of λ̂ has none for ${lacking}`,
        fix,
        `no λ̂ for ${lacking}`,
        at,
      );
    }
    if (weak.length === 0) return ok(`${observed} · ${ageInDays(at, now)}`, observed, at);
    const reason = `λ̂ gains less than ${need.lambda.minGain} in R² over persistence at ${weak.map(({ horizon }) => `h=${horizon}`).join(', ')}: there is no case for wiring it`;
    return notOk('PART', observed, reason, fix, 'λ̂ does not beat persistence', at);
  },
};

const lambdaRuns: CheckSpec = {
  id: 'P3.runs',
  title: 'a run with λ̂ for each sleeve',
  required: (need) =>
    `${counted(need.campaign.sleeves.length, 'sleeve')} over ${need.campaign.start} → ${need.campaign.end} with --lambda-table or --lambda-csv that reaches their instruments`,
  looks: (evidence) => [evidence.runs, evidence.forecast],
  judge: ({ evidence, need }) => {
    const sleeves = sleeveIds(need);
    const found = campaignRuns(figureOf(evidence.runs), sleeves, 'basic+lambda');
    const observed = `${count(found.length)} of ${counted(sleeves.length, 'sleeve')}`;
    if (found.length === sleeves.length) return ok(observed);
    const lacking = sleeves.filter((sleeve) => !found.some((run) => run.sleeveId === sleeve));
    const idle = campaignRuns(figureOf(evidence.runs), lacking, 'basic+lambda-unmatched').map((run) => run.sleeveId);
    const note = idle.length ? ` (λ̂ of ${some(idle)} reached none of its instruments)` : '';
    const reason = `no complete run with λ̂ of ${some(lacking)}${note}`;
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

/** The checks of Phase 3. */
export const P3_CHECKS: readonly CheckSpec[] = [
  dayCheck({
    id: 'P3.lambda',
    title: 'opportunity density λ',
    what: 'opportunity density',
    model: 'lambda',
    look: (evidence) => evidence.lambda,
    limits: (need) => need.lambda,
    remedy: (need) => remedy('backfill opportunity-density', need),
    adds: WHAT_P3_ADDS,
  }),
  forecast,
  lambdaRuns,
];
