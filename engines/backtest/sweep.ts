/** A grid of campaign flags: its points as sets of options. */
import { UsageError } from '../../src/platform/errors.ts';
import { issueWords } from '../../src/platform/issue-words.ts';
import { type CampaignArgs, campaignOptions } from './options.ts';
import type { CampaignOptions } from './record.ts';
import { parseSleeve, type Sleeve } from './sleeves.ts';
import { campaignSpec } from './spec.ts';

/** Numeric flags that change nothing of what is loaded: points share panel, states and λ̂. */
export const SWEEP_FLAGS = {
  'lambda-score-weight': 'lambdaScoreWeight',
  'regime-alpha': 'regimeAlpha',
  'initial-cash': 'initialCash',
  'slippage-bps': 'slippageBps',
  'commission-bps': 'commissionBps',
  'max-participation': 'maxParticipation',
} as const;

type SweepFlag = keyof typeof SWEEP_FLAGS;
export type Point = Readonly<Partial<Record<SweepFlag, number>>>;

const MAXIMUM_POINTS = 256;
const LONGEST_ID = 50;

/**
 * The points of a grid, the last flag varying fastest.
 * @throws UsageError that names the flag or value at fault.
 */
export function gridPoints(grid: readonly string[]): Point[] {
  let points: Point[] = [{}];
  const seen = new Set<string>();
  for (const text of grid) {
    const [name, list] = text.split('=');
    const shape = `Write --grid flag=value,value with one of ${Object.keys(SWEEP_FLAGS).join(', ')}`;
    if (!(name in SWEEP_FLAGS)) throw new UsageError(`--grid '${text}': there is no flag '${name}' to vary`, shape);
    if (seen.has(name)) throw new UsageError(`--grid varies ${name} twice`, 'Give all its values at once.');
    seen.add(name);
    const flag = name as SweepFlag;
    const values = (list ?? '').split(',').map((value) => {
      const number = value.trim() === '' ? Number.NaN : Number(value);
      const checked = campaignSpec.args.shape[SWEEP_FLAGS[flag]].safeParse(number, { error: issueWords });
      if (!checked.success) {
        throw new UsageError(`--grid '${text}': '${value}': ${checked.error.issues[0].message}`, shape);
      }
      return number;
    });
    if (new Set(values).size < values.length) {
      throw new UsageError(`--grid '${text}' has a value twice`, 'Give each value once.');
    }
    points = points.flatMap((point) => values.map((value) => ({ ...point, [flag]: value })));
  }
  if (points.length > MAXIMUM_POINTS) {
    throw new UsageError(`the grid has ${points.length} points, more than ${MAXIMUM_POINTS}`, 'Give fewer values.');
  }
  return points;
}

/** The campaign options of every point; the sleeves of point k carry `.S<k>` after their ids. */
export function sweepOptions(
  args: CampaignArgs & { sleeve: readonly string[]; grid: readonly string[] },
): CampaignOptions[] {
  const sleeves = args.sleeve.map(parseSleeve);
  return gridPoints(args.grid).map((point, k) => {
    const values = Object.fromEntries(
      Object.entries(point).map(([flag, value]) => [SWEEP_FLAGS[flag as SweepFlag], value]),
    );
    const own = sleeves.map((sleeve) => renamed(sleeve, `.S${k + 1}`));
    return { ...campaignOptions({ ...args, ...values }, own), sweep: { ...point } };
  });
}

function renamed(sleeve: Sleeve, suffix: string): Sleeve {
  const own = { ...sleeve };
  for (const key of ['sleeveId', 'universeId', 'portfolioId', 'assessmentId'] as const) {
    own[key] = sleeve[key] + suffix;
    if (own[key].length > LONGEST_ID) {
      throw new UsageError(
        `'${own[key]}' is longer than ${LONGEST_ID} characters`,
        'Shorten the ids of the sleeve: a sweep adds the number of its point.',
      );
    }
  }
  return own;
}
