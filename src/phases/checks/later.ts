/**
 * Phases 2 to 5: checks over the tables that their engines fill. They are honest today (nothing is there, and why) and
 * become green by themselves when the rows arrive.
 */
import { parseDay } from '../../platform/dates.ts';
import type { Phase } from '../../platform/program.ts';
import { campaignArgv, sleeveIds } from '../campaign.ts';
import { type CheckSpec, type Facts, figureOf, type Judgment, notOk, ok } from '../check.ts';
import type { Requirements } from '../config.ts';
import type { Evidence, VectorCell } from '../evidence.ts';
import {
  type ByYear,
  expectedVectors,
  sumPresent,
  sumYears,
  tradingDaysByYear,
  vectorsByYear,
} from '../expectations.ts';
import type { Probe } from '../probes.ts';
import { ageInDays, count, counted, percent, some } from '../words.ts';
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
  'backfill numeric-embeddings': {
    phase: 'P2',
    available: true,
    argv: ({ numeric, market }) => [
      ...['--start-date', numeric.start, '--end-date', numeric.end],
      ...['--window-days', String(numeric.windowDays), '--market', market, '--skip-existing'],
    ],
  },
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

const span = (limits: { start: string; end: string }) => ({
  first: parseDay(limits.start),
  last: parseDay(limits.end),
});

/** Rows against what is expected over a span of years. */
function judgeShare(
  what: string,
  unit: string,
  seen: ByYear,
  expected: ByYear,
  limits: { start: string; end: string; minShare: number },
  { fix, note }: { fix: string | null; note: string },
): Judgment {
  const { first, last } = span(limits);
  const due = sumYears(expected, first, last);
  const present = sumPresent(seen, expected, first, last);
  if (present === 0 && sumYears(seen, first, last) === 0) {
    return notOk('WAIT', `0 of ${counted(due, unit)}`, `${what} has no rows yet${note}`, fix, `${what}: none yet`);
  }
  if (due === 0) {
    return notOk(
      'BLKD',
      `${counted(sumYears(seen, first, last), unit)}`,
      `nothing says how many ${unit}s ${what} should have: there are no prices or articles to count against`,
      null,
      `${what}: nothing to count against`,
    );
  }
  const share = present / due;
  const observed = `${count(present)} of ${counted(due, unit)} (${percent(share)})`;
  if (share >= limits.minShare) return ok(observed, `${what} ${percent(share)}`);
  const worst = [...expected]
    .map(([year, value]) => [year, Math.min(value, seen.get(year) ?? 0) / value] as const)
    .sort((a, b) => a[1] - b[1])[0];
  const reason = `${what} has ${percent(share)} of the ${unit}s of ${limits.start} → ${limits.end}; the emptiest year is ${worst[0]} (${percent(worst[1])})${note}`;
  return notOk('PART', observed, reason, fix, `${what} ${percent(share)}`);
}

const numericModel = (model: string): CheckSpec => ({
  id: `P2.${stem(model)}`,
  title: `vectors of ${model}`,
  required: ({ numeric: n }) =>
    `≥ ${percent(n.minShare)} of instruments × trading days with enough history, ${n.start} → ${n.end}`,
  looks: (evidence) => [evidence.numeric, evidence.prices],
  judge: ({ evidence, need }) =>
    judgeShare(
      model,
      'vector',
      vectorsByYear(figureOf(evidence.numeric), model),
      expectedVectors(figureOf(evidence.prices).cells, need.numeric.windowDays),
      need.numeric,
      remedy('backfill numeric-embeddings', need),
    ),
});

/** `num-stab-core-v1` → `stab`, `joint-assessment-context-v1` → `assessment`: the part that tells the models apart. */
const stem = (model: string) => model.split('-')[1] ?? model;

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
export const laterChecks = (
  need: Facts['need'],
): Readonly<Record<'P2' | 'P3' | 'P4' | 'P5', readonly CheckSpec[]>> => ({
  P2: need.numeric.models.map(numericModel),
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
