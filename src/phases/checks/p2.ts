/** Phase 2, numeric embeddings: enough vectors of each model, and the proof that they are what the prices give. */
import { MS_PER_DAY } from '../../platform/dates.ts';
import { type CheckSpec, figureOf, notOk, ok } from '../check.ts';
import type { Requirements } from '../config.ts';
import type { PhaseCommand } from '../types.ts';
import { ageInDays, count, counted, percent } from '../words.ts';
import { changedSince, lackOf, numericProofOf, provenState } from './numeric-proof.ts';
import { judgeVectors, stem } from './share.ts';

/** `backfill numeric-embeddings …` exactly as the plan writes it, without the leading `prometheus`. */
const backfillArgv = ({ numeric, market }: Requirements): string[] => [
  ...['backfill', 'numeric-embeddings', '--start-date', numeric.start, '--end-date', numeric.end],
  ...['--window-days', String(numeric.windowDays), '--market', market],
  ...modelsArgv(numeric.models),
  '--skip-existing',
];

/** The plan's test run: few instruments over a short span. */
const trialArgv = ({ numeric, market }: Requirements): string[] => [
  ...['backfill', 'numeric-embeddings', '--start-date', numeric.trial.start, '--end-date', numeric.trial.end],
  ...['--window-days', String(numeric.windowDays), '--market', market, '--limit', String(numeric.trial.limit)],
  ...modelsArgv(numeric.models),
];

const verifyArgv = ({ numeric, market }: Requirements): string[] => [
  ...['verify', 'numeric-embeddings', '--start-date', numeric.start, '--end-date', numeric.end],
  ...['--window-days', String(numeric.windowDays), '--market', market, '--min-share', String(numeric.minShare)],
  ...modelsArgv(numeric.models),
];

/** The ids that the plan names, which are the commands' own default. */
const PLANNED = ['regime', 'stab', 'profile', 'scenario', 'portfolio'].map((name) => `num-${name}-core-v1`);

const modelsArgv = (models: readonly string[]): string[] =>
  models.length === PLANNED.length && models.every((model, k) => model === PLANNED[k]) ? [] : ['--models', ...models];

const numericModel = (model: string): CheckSpec => ({
  id: `P2.${stem(model)}`,
  title: `vectors of ${model}`,
  required: ({ numeric: n }) =>
    `≥ ${percent(n.minShare)} of active instruments × trading days with enough history, ${n.start} → ${n.end}`,
  looks: (evidence) => [evidence.numericDays, evidence.prices, evidence.gaps, evidence.instruments],
  judge: ({ evidence, need }) =>
    judgeVectors(model, figureOf(evidence.numericDays).get(model)!, need.numeric, backfillArgv(need).join(' ')),
});

const verified: CheckSpec = {
  id: 'P2.verified',
  title: 'vectors verified against prices',
  required: (need) =>
    `a proof by this build of every model, instrument and day of the plan since the last change, at most ${counted(need.evidence.maxAgeDays, 'day')} old`,
  looks: (evidence) => [evidence.numericProof, evidence.numeric, evidence.numericWrite, evidence.prices],
  judge: ({ evidence, need, now, build }) => {
    const proof = figureOf(evidence.numericProof);
    const fix = verifyArgv(need).join(' ');
    if (!proof) {
      const what = 'it was never verified that the vectors are what the prices give';
      return notOk('WAIT', 'no proof', what, fix, 'vectors not verified yet');
    }
    const seen = numericProofOf(proof.observed);
    const observed = `${count(seen.present)} of ${counted(seen.expected, 'vector')} · ${count(seen.recomputed)} computed again · ${ageInDays(proof.at, now)}`;
    const say = (state: 'WAIT' | 'FAIL' | 'PART' | 'STALE', reason: string, brief: string) =>
      notOk(state, observed, reason, fix, brief, proof.at);
    const found = provenState(seen, need);
    // What is wrong is wrong, however little was looked at.
    if (found.state === 'FAIL') return say('FAIL', found.reason, 'the proof of the vectors failed');
    const lack = lackOf(seen, need);
    if (lack) return say('WAIT', `the newest proof does not count: ${lack}`, 'no proof that covers the plan');
    if (found.state === 'PART') return say('PART', found.reason, 'the vectors are not those that are due');
    if (build !== null && proof.build !== build) {
      const what = `the proof is of another build (${proof.build ?? 'unknown'}; this one is ${build})`;
      return say('STALE', what, 'the build is newer than the proof');
    }
    const standing = {
      vectors: evidence.numeric.at < proof.at ? null : figureOf(evidence.numeric),
      prices: figureOf(evidence.prices).cells,
      writtenAt: figureOf(evidence.numericWrite),
    };
    const changed = changedSince(seen, standing, need);
    if (changed) return say('STALE', changed, 'vectors or prices changed after the proof');
    if (now - proof.at > need.evidence.maxAgeDays * MS_PER_DAY) {
      return say('STALE', `the proof is older than ${counted(need.evidence.maxAgeDays, 'day')}`, 'the proof is old');
    }
    return ok(observed, `${percent(seen.expected ? seen.present / seen.expected : 1)} verified`, proof.at);
  },
};

/** The checks of Phase 2: models come from the configuration. */
export const p2Checks = (need: Requirements): readonly CheckSpec[] => [
  ...need.numeric.models.map(numericModel),
  verified,
];

export const p2Commands = (need: Requirements): PhaseCommand[] => [
  { label: `backfill ${need.numeric.start} → ${need.numeric.end}`, argv: backfillArgv(need) },
  { label: `test run, ${need.numeric.trial.limit} instruments`, argv: trialArgv(need) },
  { label: 'verify the vectors', argv: verifyArgv(need) },
];
