/** The plan's baseline campaign as a command line. */
import type { Requirements } from './config.ts';

/** Ids of the campaign's sleeves, in the order of the configuration. */
export const sleeveIds = (need: Requirements): string[] => need.campaign.sleeves.map((sleeve) => sleeve.split(':')[0]);

/** `backtest campaign …` exactly as the plan writes it, without the leading `prometheus`. */
export const campaignArgv = (need: Requirements): string[] => campaignArgvOver(need, need.campaign);

/** The same campaign over other days. */
export function campaignArgvOver(
  { market, campaign }: Requirements,
  { start, end }: { readonly start: string; readonly end: string },
): string[] {
  return [
    'backtest',
    'campaign',
    '--market-id',
    market,
    '--start',
    start,
    '--end',
    end,
    ...campaign.sleeves.flatMap((sleeve) => ['--sleeve', sleeve]),
    '--initial-cash',
    String(campaign.initialCash),
    '--max-workers',
    String(campaign.maxWorkers),
  ];
}

/** The point-in-time proof over the campaign's window, without the leading `prometheus`. */
export const proofArgv = ({ market, campaign }: Requirements): string[] => [
  'verify',
  'point-in-time',
  '--market-id',
  market,
  '--start',
  campaign.start,
  '--end',
  campaign.end,
];
