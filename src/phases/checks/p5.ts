/** Phase 5: what speaks for embeddings over the full horizon, and the decision that a person made on it. */
import { baselineArgv, campaignArgv, sleeveIds } from '../campaign.ts';
import { type CheckSpec, figureOf, notOk, ok } from '../check.ts';
import type { Requirements } from '../config.ts';
import type { GainRow } from '../evidence.ts';
import { ageInDays, count, counted, some } from '../words.ts';
import { lambdaCampaignArgv } from './later.ts';
import { contextCampaign } from './p4-plan.ts';

const stable: CheckSpec = {
  id: 'P5.stable',
  title: 'baselines repeat themselves',
  required: (need) =>
    `the campaign of ${counted(need.campaign.sleeves.length, 'sleeve')} run twice on the same data and build, with the same trades to the last bit`,
  looks: (evidence) => [evidence.repeats],
  judge: ({ evidence, need }) => {
    const rows = figureOf(evidence.repeats);
    const fix = campaignArgv(need).join(' ');
    const differing = rows.filter(({ answers }) => answers > 1).map(({ sleeveId }) => sleeveId);
    const repeated = new Set(
      rows.filter(({ runs, answers }) => runs > 1 && answers === 1).map(({ sleeveId }) => sleeveId),
    );
    const observed = `${count(repeated.size)} of ${counted(need.campaign.sleeves.length, 'sleeve')} repeated`;
    if (differing.length) {
      return notOk(
        'FAIL',
        observed,
        `runs of ${some(differing)} over the same data and build made different trades`,
        fix,
        'repeated runs differ',
      );
    }
    const lacking = sleeveIds(need).filter((sleeve) => !repeated.has(sleeve));
    if (lacking.length === 0) return ok(observed);
    return notOk(
      repeated.size ? 'PART' : 'WAIT',
      observed,
      `${some(lacking)} ran only once on the newest data and build`,
      fix,
      'the campaign was not repeated',
    );
  },
};

const value: CheckSpec = {
  id: 'P5.value',
  title: 'λ̂ or context earns more than the baseline',
  required: () =>
    'one of them: the 95 % interval of its gain lies above 0 in every sleeve, over a baseline run that differs in nothing else (data, code, options, days)',
  looks: (evidence) => [evidence.gains],
  judge: ({ evidence, need, now }) => {
    const rows = figureOf(evidence.gains);
    if (rows.length === 0) {
      const fix = lambdaCampaignArgv(need).join(' ');
      return notOk('WAIT', 'none', 'there is no run with λ̂ or context', fix, 'nothing to compare yet');
    }
    const at = Math.min(...rows.map((row) => row.at));
    const observed = `${rows.map(gainText).join(' · ')} · ${ageInDays(at, now)}`;
    const wins = (backend: string) =>
      sleeveIds(need).every((sleeve) =>
        rows.some((row) => row.backend === backend && row.sleeveId === sleeve && row.gain !== null && row.gain.low > 0),
      );
    const winner = [...new Set(rows.map((row) => row.backend))].find(wins);
    if (winner) return ok(observed, `${winner} earns more than the baseline`, at);
    const lone = rows.filter(({ unlike }) => unlike === null || unlike.length > 0);
    if (lone.length > 0) {
      const state = lone.length < rows.length ? 'PART' : 'WAIT';
      const runs = lone.map(({ backend, sleeveId }) => `${backend} ${sleeveId}`);
      const unlike = [...new Set(lone.flatMap((row) => row.unlike ?? []))];
      const but = unlike.length ? `: the nearest differ by ${some(unlike)}, too` : '';
      const reason = `no baseline run is equal to ${some(runs)} but for what it tries${but}`;
      return notOk(state, observed, reason, equalising(lone[0], need).join(' '), 'no equal baseline', at);
    }
    const reason =
      'no interval of a gain lies above 0 in every sleeve: the gain may be luck, or the days are too few to tell';
    return notOk('PART', observed, reason, null, 'no gain over the baseline is shown', at);
  },
};

/** What only a new run can make equal. */
const OF_THEIR_TIME = ['code', 'data'];

/** The campaign that gives a run its equal: a baseline with its options, or itself again where the world has moved on. */
function equalising(row: GainRow, need: Requirements): string[] {
  if (row.outdated && row.unlike?.every((cause) => OF_THEIR_TIME.includes(cause)))
    return row.backend.startsWith('context') ? contextCampaign(need) : lambdaCampaignArgv(need);
  return baselineArgv(need, row);
}

function gainText({ sleeveId, backend, days, unlike, gain }: GainRow): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  if (unlike === null || unlike.length > 0) return `${backend} ${sleeveId} without an equal baseline`;
  const said = gain
    ? `${percent(gain.gain)} a year [${percent(gain.low)}, ${percent(gain.high)}]`
    : 'UNKN (too few days)';
  return `${backend} ${sleeveId} ${said}, ${counted(days, 'day')}`;
}

const decision: CheckSpec = {
  id: 'P5.decision',
  title: 'decision on full-horizon embeddings',
  required: () => 'a recorded decision: extend to 1997 or stay at a shorter span',
  looks: (evidence) => [evidence.decision],
  judge: ({ evidence, now }) => {
    const row = figureOf(evidence.decision);
    if (!row) {
      return notOk(
        'WAIT',
        'none',
        'nobody has decided yet; prometheus decide P5 --help says how, and no backfill of the full horizon starts before',
        null,
        'no decision yet',
      );
    }
    const without = row.override === null ? '' : ` · without the evidence: ${row.override}`;
    return ok(
      `${row.decision} · ${row.who} · ${ageInDays(row.at, now)} · ${row.reason}${without}`,
      row.decision,
      row.at,
    );
  },
};

export const P5_CHECKS: readonly CheckSpec[] = [stable, value, decision];
