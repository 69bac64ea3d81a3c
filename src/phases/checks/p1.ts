/** Phase 1, baseline backtest: a run a sleeve, equity, trades and positions, the point-in-time proof, a complete campaign. */
import { MS_PER_DAY, parseDay } from '../../platform/dates.ts';
import { TradingDays } from '../calendar.ts';
import { campaignArgv, proofArgv, sleeveIds, unlikePlan } from '../campaign.ts';
import { type CheckSpec, type Facts, figureOf, type Judgment, notOk, ok } from '../check.ts';
import type { Evidence, EvidenceRow, RunRow } from '../evidence.ts';
import { ageInDays, count, counted, range, some } from '../words.ts';

/** Equity that moves less than this share of its mean is flat: no position was ever held. */
const FLAT = 1e-9;

const BASIC = 'basic';

/** The newest complete run of each sleeve, in the order of the configuration. */
export function campaignRuns(runs: readonly RunRow[], sleeves: readonly string[], backend = BASIC): RunRow[] {
  return sleeves.flatMap((sleeve) => {
    const found = runs.filter((run) => run.complete && run.sleeveId === sleeve && run.backend === backend);
    return found.length ? [found.reduce((newest, run) => (run.createdAt > newest.createdAt ? run : newest))] : [];
  });
}

const window = (need: Facts['need']) => `${need.campaign.start} → ${need.campaign.end}`;
const runCommand = (need: Facts['need']) => campaignArgv(need).join(' ');

const noRun = ({ need }: Facts): Judgment =>
  notOk('WAIT', '–', `no complete run over ${window(need)}`, runCommand(need), 'no baseline run yet');

const runs: CheckSpec = {
  id: 'P1.runs',
  title: 'a run for each sleeve',
  required: (need) => `${counted(need.campaign.sleeves.length, 'sleeve')} over ${window(need)}, with metrics`,
  looks: (evidence) => [evidence.runs, evidence.prices],
  judge: (facts) => {
    const { evidence, need } = facts;
    const sleeves = sleeveIds(need);
    const found = campaignRuns(figureOf(evidence.runs), sleeves);
    const lacking = sleeves.filter((sleeve) => !found.some((run) => run.sleeveId === sleeve));
    const unlike = unlikePlan(found, need);
    const options = unlike.length ? ` · not as the plan: ${unlike.join(', ')}` : '';
    const observed = `${count(found.length)} of ${counted(sleeves.length, 'sleeve')}${options}`;
    if (!lacking.length) return ok(observed, `${counted(found.length, 'sleeve')} over ${window(need)}`);
    const prices = figureOf(evidence.prices);
    const [start, end] = [parseDay(need.campaign.start), parseDay(need.campaign.end)];
    if (prices.first === null || prices.last === null || prices.first > start || prices.last < end) {
      const seen =
        prices.first === null || prices.last === null
          ? 'there are none'
          : `they span ${range(prices.first, prices.last)}`;
      const what = `the campaign needs prices over ${window(need)}; ${seen}`;
      return notOk(
        'BLKD',
        observed,
        what,
        'data import --instruments FILE --holidays FILE --prices PATH',
        'prices do not cover the campaign',
      );
    }
    const state = found.length ? 'PART' : 'WAIT';
    const what = `no complete run over ${window(need)} of ${some(lacking)}`;
    return notOk(
      state,
      observed,
      what,
      runCommand(need),
      found.length
        ? `${count(found.length)} of ${counted(sleeves.length, 'sleeve')} have a run`
        : 'no baseline run yet',
    );
  },
};

/** The runs under a check, and one line when some sleeve has none. */
function withRuns(facts: Facts, judge: (found: readonly RunRow[]) => Judgment): Judgment {
  const found = campaignRuns(figureOf(facts.evidence.runs), sleeveIds(facts.need));
  return found.length ? judge(found) : noRun(facts);
}

const equity: CheckSpec = {
  id: 'P1.equity',
  title: 'equity curves are whole and not flat',
  required: () => 'one finite, positive value for each trading day of the run, not all the same',
  looks: (evidence) => [evidence.runs, evidence.equity, evidence.holidays],
  judge: (facts) =>
    withRuns(facts, (found) => {
      const figures = new Map(figureOf(facts.evidence.equity).map((one) => [one.runId, one]));
      const holidays = figureOf(facts.evidence.holidays);
      const problems: string[] = [];
      let days = 0;
      for (const run of found) {
        const figure = figures.get(run.runId);
        const due = new TradingDays(run.start, run.end, holidays).days.length;
        days += figure?.days ?? 0;
        if (!figure || figure.rows === 0) problems.push(`${run.sleeveId} has no daily equity`);
        else if (figure.bad > 0)
          problems.push(
            `${run.sleeveId} has ${counted(figure.bad, 'value')} that ${figure.bad === 1 ? 'is' : 'are'} no number`,
          );
        else if (figure.min === null || figure.max === null || figure.min <= 0)
          problems.push(`${run.sleeveId} falls to ${figure.min}`);
        else if (figure.max - figure.min <= FLAT * Math.abs(figure.max))
          problems.push(`${run.sleeveId} is flat at ${count(figure.max)}`);
        else if (figure.days !== due)
          problems.push(`${run.sleeveId} has ${counted(figure.days, 'day')}, the calendar ${count(due)}`);
        else if (figure.rows !== figure.days)
          problems.push(`${run.sleeveId} has ${counted(figure.rows - figure.days, 'day')} twice`);
      }
      const observed = `${counted(found.length, 'curve')} · ${counted(days, 'day')}`;
      if (!problems.length) return ok(observed);
      return notOk('FAIL', observed, problems.join('; '), runCommand(facts.need), problems[0]);
    }),
};

const trades: CheckSpec = {
  id: 'P1.trades',
  title: 'trades and positions written',
  required: () => 'at least one trade and one position snapshot of each run',
  looks: (evidence) => [evidence.runs, evidence.counts],
  judge: (facts) =>
    withRuns(facts, (found) => {
      const counts = new Map(figureOf(facts.evidence.counts).map((one) => [one.runId, one]));
      const total = { trades: 0, positions: 0 };
      const problems: string[] = [];
      for (const run of found) {
        const one = counts.get(run.runId) ?? { trades: 0, positions: 0 };
        total.trades += one.trades;
        total.positions += one.positions;
        if (!one.trades) problems.push(`${run.sleeveId} has no trade`);
        if (!one.positions) problems.push(`${run.sleeveId} has no position snapshot`);
      }
      const observed = `${counted(total.trades, 'trade')} · ${counted(total.positions, 'position snapshot')}`;
      if (!problems.length) return ok(observed);
      return notOk('FAIL', observed, problems.join('; '), runCommand(facts.need), problems[0]);
    }),
};

const pointInTime: CheckSpec = {
  id: 'P1.pit',
  title: 'point-in-time proof',
  required: (need) =>
    `a proof by this build, newer than the runs, at most ${counted(need.evidence.maxAgeDays, 'day')} old`,
  looks: (evidence) => [evidence.pointInTime, evidence.runs],
  judge: ({ evidence, need, now, build }) => {
    const proof = figureOf(evidence.pointInTime);
    const verify = proofArgv(need).join(' ');
    if (!proof)
      return notOk(
        'WAIT',
        'no proof',
        'it was never proven that no row looks past its day',
        verify,
        'no point-in-time proof yet',
      );
    const observed = [...proofFigures(proof.observed), ageInDays(proof.at, now)].join(' · ');
    const say = (state: 'FAIL' | 'STALE', reason: string, brief: string) =>
      notOk(state, observed, reason, verify, brief, proof.at);
    if (proof.state !== 'OK')
      return say('FAIL', proof.reason || `the proof ended ${proof.state}`, 'the point-in-time proof failed');
    const newest = campaignRuns(figureOf(evidence.runs), sleeveIds(need)).reduce(
      (latest, run) => Math.max(latest, run.createdAt),
      0,
    );
    if (newest > proof.at)
      return say('STALE', 'the baseline was run again after the proof', 'runs are newer than the proof');
    if (build !== null && proof.build !== build) {
      return say(
        'STALE',
        `the proof is of another build (${proof.build ?? 'unknown'}; this one is ${build})`,
        'the build is newer than the proof',
      );
    }
    if (now - proof.at > need.evidence.maxAgeDays * MS_PER_DAY) {
      return say('STALE', `the proof is older than ${counted(need.evidence.maxAgeDays, 'day')}`, 'the proof is old');
    }
    return ok(observed, undefined, proof.at);
  },
};

/** `8 days tried · 0 leaks · 2014-01-02 → 2014-03-31`, as far as the proof says. */
function proofFigures(observed: EvidenceRow['observed']): string[] {
  const { days_tried: tried, leaks, start, end } = observed ?? {};
  return [
    ...(typeof tried === 'number' ? [`${counted(tried, 'day')} tried`] : []),
    ...(typeof leaks === 'number' ? [counted(leaks, 'leak')] : []),
    ...(typeof start === 'string' && typeof end === 'string' ? [`${start} → ${end}`] : []),
  ];
}

const latest: CheckSpec = {
  id: 'P1.latest',
  title: 'the latest campaign ended whole',
  required: () => 'the newest run of each sleeve has metrics, and one campaign (same data and code) has a run of each',
  looks: (evidence) => [evidence.runs],
  judge: (facts) => {
    const { evidence, need } = facts;
    const sleeves = sleeveIds(need);
    const newest = sleeves.flatMap((sleeve) => newestOf(figureOf(evidence.runs), sleeve));
    if (!newest.length) return noRun(facts);
    const broken = newest.filter((run) => !run.complete);
    const observed = `${count(newest.length - broken.length)} of ${counted(sleeves.length, 'sleeve')} · ${ageInDays(Math.max(...newest.map((r) => r.createdAt)), facts.now)}`;
    if (broken.length) {
      const what = `the newest run of ${some(broken.map((run) => `${run.sleeveId} (${run.runId})`))} has no metrics`;
      return notOk('FAIL', observed, what, runCommand(need), 'the latest campaign broke off');
    }
    if (newest.length < sleeves.length) {
      const lacking = sleeves.filter((sleeve) => !newest.some((run) => run.sleeveId === sleeve));
      return notOk(
        'PART',
        observed,
        `no run of ${some(lacking)}`,
        runCommand(need),
        'the latest campaign is not whole',
      );
    }
    // Runs of other systems say nothing about their origin: then there is nothing to compare.
    const origins = new Set(newest.map((run) => run.origin).filter((origin) => origin !== null));
    // A later campaign of some of the sleeves, over a longer range or with other options, takes nothing from a whole one.
    if (origins.size > 1 && !wholeCampaign(figureOf(evidence.runs), sleeves)) {
      const what = 'the newest runs of the sleeves come from different campaigns, data or code';
      return notOk('PART', observed, what, runCommand(need), 'runs of different campaigns');
    }
    return ok(observed);
  },
};

/** Whether some campaign has a complete run of every sleeve. */
function wholeCampaign(found: readonly RunRow[], sleeves: readonly string[]): boolean {
  const own = found.filter((run) => run.complete && run.backend === BASIC && run.origin !== null);
  return own.some(({ origin }) =>
    sleeves.every((sleeve) => own.some((run) => run.sleeveId === sleeve && run.origin === origin)),
  );
}

function newestOf(found: readonly RunRow[], sleeve: string): RunRow[] {
  const own = found.filter((run) => run.sleeveId === sleeve && run.backend === BASIC);
  return own.length ? [own.reduce((newest, run) => (run.createdAt > newest.createdAt ? run : newest))] : [];
}

/** The runs that equity, trades and positions are looked up for. */
export const runsToLookAt = (found: Evidence['runs'], need: Facts['need']): readonly RunRow[] =>
  found.known ? campaignRuns(found.value, sleeveIds(need)) : [];

/** First and last trading day of a campaign's days, as far as the calendar is known. */
export function campaignWindow(
  campaign: { readonly start: string; readonly end: string },
  holidays: readonly number[],
): { first: number; last: number } {
  const [start, end] = [parseDay(campaign.start), parseDay(campaign.end)];
  const { days } = new TradingDays(start, end, holidays);
  return days.length ? { first: days[0], last: days[days.length - 1] } : { first: start, last: end };
}

export const P1_CHECKS: readonly CheckSpec[] = [runs, equity, trades, pointInTime, latest];
