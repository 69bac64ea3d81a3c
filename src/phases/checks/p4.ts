/** Phase 4: texts, joint spaces, runs by the context backend, and a comparison on equal terms. */
import { formatDay, parseDay } from '../../platform/dates.ts';
import { LEAST_HEAD_DAYS, LEAST_REGIME_DAYS } from '../../platform/least-training.ts';
import { LEAST_SHARED_DAYS, tooFewShared } from '../../platform/shared-days.ts';
import { sleeveIds } from '../campaign.ts';
import { type CheckSpec, type Facts, figureOf, type Judgment, notOk, ok } from '../check.ts';
import type { Requirements } from '../config.ts';
import type { RunRow } from '../evidence.ts';
import { leastRows, vectorsByYear } from '../expectations.ts';
import { ageInDays, count, counted, percent, some } from '../words.ts';
import { dayCheck } from './days.ts';
import { newerInput } from './join-order.ts';
import { campaignRuns } from './p1.ts';
import { type ChainReads, inputsCheck } from './p4-inputs.ts';
import {
  assessmentModels,
  basicCampaign,
  COMPARE,
  contextCampaign,
  contextWindow,
  fitsTexts,
  isV2,
  joinedModels,
  jointArgv,
  texts,
  usesV2,
} from './p4-plan.ts';
import { judgeShare, span, stem } from './share.ts';

/**
 * Days with prices before the first vector of a market: a name counts once its window has its least rows, and the market's window has
 * as many days of such names.
 */
const BEFORE_REGIME_VECTORS = 2 * (leastRows(63) - 1);

/** The days of prices and news that these commands read. */
function chainReads(need: Requirements): ChainReads {
  const { start, end, encoderStart, encoderEnd, headEnd } = need.context;
  const used = { what: 'contexts and comparison', start, end };
  return {
    prices: [...(usesV2(need) ? [{ what: 'encoders', start: encoderStart, end: encoderEnd }] : []), used],
    training: usesV2(need)
      ? [
          {
            what: 'the fit of regimes',
            ...{ start: encoderStart, end: encoderEnd, least: LEAST_REGIME_DAYS, after: BEFORE_REGIME_VECTORS },
          },
          { what: 'the head of the context backend', start, end: headEnd, least: LEAST_HEAD_DAYS, after: 0 },
        ]
      : [],
    news: [used],
    newsBefore: fitsTexts(need) ? start : null,
    textModel: fitsTexts(need) ? null : need.context.textModel,
  };
}

const fixed = (argv: readonly string[]) => argv.join(' ');

const judgeTexts = ({ evidence, need }: Facts): Judgment => {
  const { first, last } = span(need.context);
  const expected = new Map<number, number>();
  for (const one of figureOf(evidence.news)) {
    if (one.day < first || one.day > last) continue;
    const year = new Date(one.day * 86_400_000).getUTCFullYear();
    expected.set(year, (expected.get(year) ?? 0) + one.articles);
  }
  const model = need.context.textModel;
  const seen = vectorsByYear(figureOf(evidence.text), model);
  return judgeShare(model, 'article', seen, expected, need.context, { fix: fixed(texts(need)), note: '' });
};

const text: CheckSpec = {
  id: 'P4.text',
  title: 'text vectors of the news',
  required: ({ context: c }) => `≥ ${percent(c.minShare)} of articles ${c.start} → ${c.end} by ${c.textModel}`,
  looks: (evidence) => [evidence.text, evidence.news],
  judge: judgeTexts,
};

/** Joint vectors of each day, none of them older than what it is joined of. */
function joint(model: string): CheckSpec {
  const counted = jointDays(model);
  return {
    ...counted,
    required: (need) => `${counted.required(need)}; none older than what it is joined of`,
    looks: (evidence) => [...counted.looks(evidence), evidence.contextParts],
    judge: (facts) => {
      const judged = counted.judge(facts);
      if (judged.state !== 'OK') return judged;
      const { evidence, need } = facts;
      const writes = figureOf(evidence.contextParts);
      const { first, last } = span(need.context);
      const days = figureOf(evidence.gaps).calendar.between(first, last);
      const newer = newerInput(model, joinedModels(need, model), writes, days);
      if (!newer) return judged;
      const at = new Date(newer.at).toISOString().slice(0, 16).replace('T', ' ');
      const reason = `a backfill wrote ${newer.model} (${at} UTC) after these vectors, which are joined of it, on days of ${formatDay(newer.first)} → ${formatDay(newer.last)}`;
      return notOk('STALE', judged.observed, reason, fixed(jointArgv(need, stem(model))), `older than ${newer.model}`);
    },
  };
}

const jointDays = (model: string): CheckSpec =>
  dayCheck({
    id: `P4.${stem(model)}`,
    title: `joint vectors of ${model}`,
    what: model,
    model,
    look: (evidence) => evidence.joint,
    // The original joins a day's regime with its news: a day without them has no row, and no backfill makes one.
    ofNewsDays: stem(model) === 'regime' && !isV2(model),
    limits: (need) => need.context,
    remedy: (need) => ({ fix: fixed(jointArgv(need, stem(model))), note: '' }),
  });

/** The newest complete run of each sleeve over the window, by backend. */
const pairedRuns = ({ evidence, need }: Facts): { basic: RunRow[]; context: RunRow[] } => {
  const runs = figureOf(evidence.contextRuns);
  const sleeves = sleeveIds(need);
  return { basic: campaignRuns(runs, sleeves), context: campaignRuns(runs, sleeves, 'context') };
};

const runs: CheckSpec = {
  id: 'P4.runs',
  title: 'runs by the context and the basic backend for each sleeve',
  required: (need) => {
    const { start, end } = contextWindow(need);
    return `${counted(need.campaign.sleeves.length, 'sleeve')} over ${start} → ${end}, with either backend`;
  },
  looks: (evidence) => [evidence.contextRuns],
  judge: (facts) => {
    const { need } = facts;
    const sleeves = sleeveIds(need);
    const found = pairedRuns(facts);
    const observed = `context ${count(found.context.length)}, basic ${count(found.basic.length)} of ${counted(sleeves.length, 'sleeve')}`;
    const sides = [
      ['context', contextCampaign(need)],
      ['basic', basicCampaign(need)],
    ] as const;
    for (const [backend, argv] of sides) {
      const lacking = sleeves.filter((sleeve) => !found[backend].some((run) => run.sleeveId === sleeve));
      if (lacking.length === 0) continue;
      const state = found.context.length + found.basic.length > 0 ? 'PART' : 'WAIT';
      return notOk(
        state,
        observed,
        `no complete ${backend} run of ${some(lacking)}`,
        fixed(argv),
        `no ${backend} run yet`,
      );
    }
    return ok(observed);
  },
};

/** A pair of the recorded comparison, as far as it is looked at. */
interface ComparedPair {
  readonly run_ids?: readonly string[];
  /** Days that both runs have. */
  readonly days?: number;
  readonly context_model?: string | null;
  readonly assessment_model?: string | null;
  readonly context_coverage?: number | null;
  readonly context_branches?: Readonly<Record<string, number>> | null;
}

type BranchShare = readonly [share: number, branch: string];

/** Shares of days and instruments with 63 days of prices that had a context (branch ''), and each of its branches; null when not recorded. */
const sharesOf = ({ context_coverage: coverage, context_branches: branches }: ComparedPair): BranchShare[] | null =>
  typeof coverage !== 'number' || !branches
    ? null
    : [[coverage, ''], ...Object.entries(branches).map(([branch, share]): BranchShare => [share, branch])];

/** The campaign that gives a sleeve's run its other side over the same days. */
function unpaired({ evidence, need }: Facts): string[] {
  const { start, end } = contextWindow(need);
  const over = figureOf(evidence.contextRuns).filter(
    (run) => run.complete && run.start === parseDay(start) && run.end === parseDay(end),
  );
  return over.some((run) => run.backend === 'context') ? basicCampaign(need) : contextCampaign(need);
}

/** Sleeves whose compared context run had read other contexts than those that stand there now. */
function runsBeforeContexts({ evidence }: Facts): string[] {
  const write = figureOf(evidence.contextWrite);
  if (write === null) return [];
  const created = new Map(figureOf(evidence.contextRuns).map((run) => [run.runId, run.createdAt]));
  return figureOf(evidence.pairs).flatMap(({ sleeveId, context }) =>
    (created.get(context) ?? 0) < Date.parse(write) ? [sleeveId] : [],
  );
}

const comparison: CheckSpec = {
  id: 'P4.comparison',
  title: 'context compared with basic, on equal terms',
  required: ({ context }) =>
    `the newest runs of every sleeve, which differ by their assessment alone (data, code, options, days), a context for ≥ ${percent(context.minShare)} of days and instruments, each of its branches for ≥ ${percent(context.branchShare)}`,
  looks: (evidence) => [evidence.comparison, evidence.pairs, evidence.contextRuns, evidence.contextWrite],
  judge: (facts): Judgment => {
    const { evidence, need, now } = facts;
    const row = figureOf(evidence.comparison);
    const fix = fixed(COMPARE);
    if (!row) return notOk('WAIT', 'none', 'context was never compared with basic', fix, 'not compared yet');
    const verdict = typeof row.observed?.verdict === 'string' ? row.observed.verdict : '';
    const pairs = Array.isArray(row.observed?.pairs) ? (row.observed.pairs as ComparedPair[]) : [];
    const observed = `${counted(pairs.length, 'pair')} · ${ageInDays(row.at, now)} · ${verdict}`;
    const wanted = figureOf(evidence.pairs);
    const lone = sleeveIds(need).filter((sleeve) => !wanted.some((pair) => pair.sleeveId === sleeve));
    if (lone.length > 0) {
      const reason = `no basic and context run of ${some(lone)} over the same days`;
      return notOk('PART', observed, reason, fixed(unpaired(facts)), 'runs make no pairs', row.at);
    }
    const left = wanted.filter(
      ({ basic, context }) => !pairs.some(({ run_ids: ids }) => ids?.includes(basic) && ids.includes(context)),
    );
    if (left.length > 0) {
      const sleeves = some(left.map((pair) => pair.sleeveId));
      // A comparison of other runs may be newer than these: it does not count, and they are not newer than it.
      const [reason, brief] = left.some((pair) => pair.createdAt > row.at)
        ? [`there are newer runs of ${sleeves}`, 'newer runs not compared']
        : [`the newest comparison is of other runs than these of ${sleeves}`, 'other runs compared'];
      return notOk('STALE', observed, reason, fix, brief, row.at);
    }
    if (row.state !== 'OK') {
      const reason = row.reason || `the comparison ended ${row.state}`;
      return notOk('PART', observed, reason, fixed(basicCampaign(need)), 'compared on unequal terms', row.at);
    }
    // Comparisons of earlier builds gave verdicts over fewer.
    const short = pairs.find(({ days }) => days !== undefined && days < LEAST_SHARED_DAYS);
    if (short) {
      const reason = `${tooFewShared(short.days!)}: name other days under context in phases.yaml`;
      return notOk('PART', observed, reason, fixed(basicCampaign(need)), 'too few shared days', row.at);
    }
    const { contexts, head } = assessmentModels(need);
    const other = pairs.find((pair) => pair.context_model !== contexts || pair.assessment_model !== head);
    if (other) {
      const used = [
        other.context_model ?? 'contexts of no recorded model',
        other.assessment_model ?? 'no recorded head',
      ];
      const reason = `a context run used ${used.join(' with ')}; the plan names ${contexts} with ${head}`;
      return notOk('PART', observed, reason, fixed(contextCampaign(need)), 'other models than planned', row.at);
    }
    const rewritten = runsBeforeContexts(facts);
    if (rewritten.length > 0) {
      const at = figureOf(evidence.contextWrite)!.slice(0, 16).replace('T', ' ');
      const reason = `a backfill wrote contexts of these days (${at} UTC) after the context runs of ${some(rewritten)}`;
      return notOk('STALE', observed, reason, fixed(contextCampaign(need)), 'contexts newer than the runs', row.at);
    }
    // A name without a context is HOLD with 0: a comparison over many of them is one with having no opinion. And a context
    // without one of its branches is another one than the plan's.
    const shares = pairs.map(sharesOf);
    if (shares.some((one) => one === null)) {
      const reason =
        'the context runs do not say how many days and instruments had a context, and what each was joined of';
      return notOk('PART', observed, reason, fixed(contextCampaign(need)), 'coverage not recorded', row.at);
    }
    const { minShare, branchShare } = need.context;
    const thin = shares.flatMap((one) => one ?? []).find(([share, of]) => share < (of ? branchShare : minShare));
    if (thin) {
      const [share, of] = thin;
      const reason = of
        ? `the ${of} branch in the contexts of ${percent(share)} of days and instruments with 63 days of prices only`
        : `a context for ${percent(share)} of days and instruments with 63 days of prices only; the others were held without an opinion`;
      const fix = fixed(of === 'text' ? texts(need) : jointArgv(need, of || 'assessment'));
      return notOk('PART', observed, reason, fix, of ? `${of} for some only` : 'context for some only', row.at);
    }
    return ok(observed, verdict, row.at);
  },
};

/** The checks of Phase 4: models come from the configuration. */
export const p4Checks = (need: Requirements): readonly CheckSpec[] => [
  inputsCheck(chainReads, (facts) => judgeTexts(facts).state === 'OK'),
  text,
  ...need.context.jointModels.map(joint),
  runs,
  comparison,
];
