/** Sleeves: one strategy variant each, as the plan writes them on the command line. */
import { UsageError } from '../../src/platform/errors.ts';

export interface Sleeve {
  readonly sleeveId: string;
  readonly strategyId: string;
  readonly marketId: string;
  readonly universeId: string;
  readonly portfolioId: string;
  readonly assessmentId: string;
  readonly horizonDays: number;
  /** How its instruments are assessed; absent: as the campaign says. */
  readonly backend?: Backend;
}

type Backend = 'basic' | 'context';

const FIELDS = ['sleeve', 'strategy', 'market', 'universe', 'portfolio', 'assess', 'horizon'] as const;

/** Longest horizon in trading days that a sleeve may have: ten years. */
const MAXIMUM_HORIZON = 2520;

const BACKENDS: readonly string[] = ['basic', 'context'];

/**
 * Reads `sleeve:strategy:market:universe:portfolio:assess:horizon`, and `:basic` or `:context` after it where a campaign mixes
 * both.
 * @throws UsageError that names the field at fault.
 */
export function parseSleeve(text: string): Sleeve {
  const parts = text.split(':');
  const shape = `Write --sleeve ${FIELDS.join(':')}, and after it :basic or :context where a campaign mixes both.`;
  const backend =
    parts.length === FIELDS.length + 1 && BACKENDS.includes(parts[7]) ? (parts.pop() as Backend) : undefined;
  if (parts.length === FIELDS.length + 1) {
    throw new UsageError(`--sleeve '${text}': '${parts[FIELDS.length]}' is neither basic nor context`, shape);
  }
  if (parts.length !== FIELDS.length) {
    throw new UsageError(`--sleeve '${text}' has ${parts.length} fields, not ${FIELDS.length}`, shape);
  }
  FIELDS.forEach((field, k) => {
    if (!parts[k].trim()) throw new UsageError(`--sleeve '${text}': the ${field} is empty`, shape);
    // Ids land in columns of 50 characters (strategy, instrument scores); longer ones would be cut by nobody.
    if (parts[k].length > 50)
      throw new UsageError(`--sleeve '${text}': the ${field} is longer than 50 characters`, shape);
  });
  const horizonDays = Number(parts[6]);
  if (!/^\d+$/.test(parts[6]) || horizonDays < 1 || horizonDays > MAXIMUM_HORIZON) {
    throw new UsageError(
      `--sleeve '${text}': the horizon '${parts[6]}' is not a whole number of trading days from 1 to ${MAXIMUM_HORIZON}`,
      shape,
    );
  }
  const [sleeveId, strategyId, marketId, universeId, portfolioId, assessmentId] = parts;
  const sleeve = { sleeveId, strategyId, marketId, universeId, portfolioId, assessmentId, horizonDays };
  return backend ? { ...sleeve, backend } : sleeve;
}

/** The sleeve as the command line writes it. */
export function formatSleeve(sleeve: Sleeve): string {
  const { sleeveId, strategyId, marketId, universeId, portfolioId, assessmentId, horizonDays } = sleeve;
  const fields = [sleeveId, strategyId, marketId, universeId, portfolioId, assessmentId, horizonDays];
  return [...fields, ...(sleeve.backend ? [sleeve.backend] : [])].join(':');
}

/** The sleeve under the names that a run's configuration has for it. */
export const sleeveJson = (sleeve: Sleeve) => ({
  sleeve_id: sleeve.sleeveId,
  strategy_id: sleeve.strategyId,
  market_id: sleeve.marketId,
  universe_id: sleeve.universeId,
  portfolio_id: sleeve.portfolioId,
  assessment_strategy_id: sleeve.assessmentId,
  assessment_horizon_days: sleeve.horizonDays,
});

/** The plan's three sleeves of a strategy: horizons of 5, 21 and 63 trading days, otherwise alike. */
export function canonicalSleeves(strategyId: string, marketId: string): Sleeve[] {
  return [5, 21, 63].map((horizonDays) => {
    const sleeveId = `${strategyId}_H${horizonDays}`;
    return {
      sleeveId,
      strategyId,
      marketId,
      universeId: `${sleeveId}_UNIVERSE`,
      portfolioId: `${sleeveId}_PORTFOLIO`,
      assessmentId: `${sleeveId}_ASSESS`,
      horizonDays,
    };
  });
}
