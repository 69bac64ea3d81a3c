/** What a campaign reads: one panel and one pass of features, with λ̂, the regime's risk and the context where they have a weight. */
import type { ProgramContext } from '../../src/platform/program.ts';
import { type LambdaScores, loadLambdaScores } from '../lambda/provider.storage.ts';
import { makeCalendar } from '../market/calendar.ts';
import { type LoadedPanel, loadHolidays, loadPanel } from '../market/storage.ts';
import { loadRegimeRisk, type RegimeRisk } from '../regime/provider.storage.ts';
import type { UniverseDates } from '../universe/dates.model.ts';
import { loadUniverseDates } from '../universe/dates.storage.ts';
import { loadContext } from './context.ts';
import { computeFeatures, type Features, lookbackFor } from './features.ts';
import type { CampaignOptions, ContextOrigin } from './record.ts';

/** What a campaign reads. */
export interface LoadedCampaign {
  readonly panel: LoadedPanel;
  readonly features: Features;
  readonly lambda: LambdaScores | null;
  readonly regime: RegimeRisk | null;
  readonly context: ContextOrigin | null;
  readonly dates: UniverseDates | null;
}

/** Panel and features of a campaign, λ̂ and the regime's risk among them when it has a weight for them. */
export async function loadCampaign(
  options: CampaignOptions,
  context: Pick<ProgramContext, 'databases' | 'home'>,
): Promise<LoadedCampaign> {
  const horizons = options.sleeves.map((sleeve) => sleeve.horizonDays);
  let transitionHistory = 0;
  if (options.transitionHistory !== null) {
    const holidays = await loadHolidays(context.databases.historical, options.marketId);
    transitionHistory = makeCalendar(options.marketId, options.transitionHistory, options.start - 1, holidays).days
      .length;
  }
  const withOpen = options.broker.fill === 'next_open';
  const panel = await loadPanel(context.databases, {
    marketId: options.marketId,
    start: options.start,
    end: options.end,
    lookback: lookbackFor(horizons) + transitionHistory,
    // Adjusting an open needs the ratio of the two closes.
    columns: [...new Set([options.priceField, 'volume', ...(withOpen ? (['open', 'close'] as const) : [])] as const)],
    cacheFolder: context.home.cache,
    everyStatus: options.universeDates !== null,
  });
  const days = panel.calendar.days.subarray(panel.first, panel.first + panel.count);
  const { runtime } = context.databases;
  const dates =
    options.universeDates === null
      ? null
      : await loadUniverseDates(runtime, options.universeDates, { instruments: panel.instruments, days });
  const features = computeFeatures(panel, {
    first: panel.first,
    count: panel.count,
    transitionHistory,
    horizons,
    priceField: options.priceField,
    withOpen,
    dates,
  });
  const lambda =
    options.lambda &&
    (await loadLambdaScores(runtime, options.lambda, {
      marketId: options.marketId,
      instruments: panel.instruments,
      days,
      classCode: features.stability.classCode,
      allowInSample: options.allowInSample,
      eligible: dates ? features.complete.map((whole, cell) => (dates.barred[cell] ? 0 : whole)) : features.complete,
    }));
  const regime =
    options.regimeAlpha > 0 ? await loadRegimeRisk(runtime, options.marketId, days, options.allowInSample) : null;
  const assessed =
    options.context &&
    (await loadContext(options.context, { panel, days, features, allowInSample: options.allowInSample }, context));
  return {
    panel,
    features: {
      ...features,
      lambdaHat: lambda?.hat ?? null,
      regimeRisk: regime?.risk ?? null,
      context: assessed?.assessments ?? null,
    },
    lambda,
    regime,
    context: assessed?.origin ?? null,
    dates,
  };
}
