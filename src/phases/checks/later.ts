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
    available: false,
    argv: ({ lambda, market }) => ['--start', lambda.start, '--end', lambda.end, '--market', market],
  },
  'backfill text-embeddings': {
    phase: 'P4',
    available: false,
    argv: ({ context }) => ['--start', context.start, '--end', context.end],
  },
  'backfill joint-assessment-context': {
    phase: 'P4',
    available: false,
    argv: ({ context, market }) => ['--start', context.start, '--end', context.end, '--market-id', market],
  },
  decide: { phase: 'P5', available: false, argv: () => ['P5'] },
};

/** The command that would fill a hole, or null and a sentence when this version does not have it yet. */
function remedy(name: string, need: Requirements): { fix: string | null; note: string } {
  const command = LATER_COMMANDS[name];
  if (command.available) return { fix: [name, ...command.argv(need)].join(' '), note: '' };
  return { fix: null, note: `. The engine for it arrives with Phase ${command.phase.slice(1)} in a later version` };
}

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
}

/** Rows counted in trading days of the span that have prices. */
const dayCheck = ({ id, title, what, model, look, limits, command }: DayCheck): CheckSpec => ({
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
    return judgeShare(what, 'day', seen, expected, limits(need), remedy(command, need));
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
    const available = LATER_COMMANDS['backfill joint-assessment-context'].available;
    const note = available ? '' : '. The context backend arrives with Phase 4 in a later version';
    const fix = available
      ? [
          ...campaignArgv(need),
          '--assessment-backend',
          'context',
          '--assessment-context-model-id',
          'joint-assessment-context-v1',
        ].join(' ')
      : null;
    const lacking = sleeves.filter((sleeve) => !found.some((run) => run.sleeveId === sleeve));
    return notOk(
      found.length ? 'PART' : 'WAIT',
      observed,
      `no complete context run of ${some(lacking)}${note}`,
      fix,
      'no context run yet',
    );
  },
};

const decision: CheckSpec = {
  id: 'P5.decision',
  title: 'decision on full-horizon embeddings',
  required: () => 'a recorded decision: extend to 1997 or stay at a shorter span',
  looks: (evidence) => [evidence.decision],
  judge: ({ evidence, need, now }) => {
    const row = figureOf(evidence.decision);
    const { fix, note } = remedy('decide', need);
    if (!row) return notOk('WAIT', 'none', `nobody has decided yet${note}`, fix, 'no decision yet');
    return ok(`${row.decision} · ${row.who} · ${ageInDays(row.at, now)}`, row.decision, row.at);
  },
};

/** The checks of the later phases: models come from the configuration. */
export const laterChecks = (need: Facts['need']): Readonly<Record<'P3' | 'P4' | 'P5', readonly CheckSpec[]>> => ({
  P3: [
    dayCheck({
      id: 'P3.lambda',
      title: 'opportunity density λ',
      what: 'opportunity density',
      model: 'lambda',
      look: (evidence) => evidence.lambda,
      limits: (need) => need.lambda,
      command: 'backfill opportunity-density',
    }),
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
        command: 'backfill joint-assessment-context',
      }),
    ),
    contextRuns,
  ],
  P5: [decision],
});
