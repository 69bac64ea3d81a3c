/** The plan's baseline campaign as a command line. */
import type { Requirements } from './config.ts';
import type { RunRow } from './evidence.ts';

/** Options that the plan's command line leaves out, as runs record them. */
const PLAIN_OPTIONS: Readonly<Record<string, unknown>> = {
  risk: true,
  fill: 'close',
  slippage_bps: 0,
  commission_bps: 0,
  whole_shares: false,
  max_participation: null,
  price_field: 'close',
  transition_history: null,
};

/** Keys of a run's configuration that the plan's campaign has a value for. */
export const OPTION_KEYS: readonly string[] = ['initial_cash', ...Object.keys(PLAIN_OPTIONS)];

/** What a run did unlike the plan's campaign (`fill next_open`), each once. Runs of other systems that do not say did not. */
export function unlikePlan(runs: readonly Pick<RunRow, 'options'>[], { campaign }: Requirements): string[] {
  const plan = { initial_cash: campaign.initialCash, ...PLAIN_OPTIONS };
  const unlike = runs.flatMap(({ options }) =>
    Object.entries(plan).flatMap(([key, value]) =>
      key in options && options[key] !== value ? `${key} ${options[key]}` : [],
    ),
  );
  return [...new Set(unlike)];
}

/** The flags by which a campaign is told these options; what stands as in the plan has none. */
const FLAGS: Readonly<Record<string, (value: unknown) => string[]>> = {
  risk: () => ['--disable-risk'],
  whole_shares: () => ['--whole-shares'],
  ...Object.fromEntries(
    [
      'fill',
      'slippage_bps',
      'commission_bps',
      'max_participation',
      'price_field',
      'transition_history',
      'universe_dates',
    ].map((key) => [key, (value: unknown) => [`--${key.replaceAll('_', '-')}`, String(value)]]),
  ),
};

/** The plan's campaign over a run's days and with its options, but without what the run tries: its baseline. */
export function baselineArgv(
  need: Requirements,
  { start, end, options }: Pick<RunRow, 'options'> & { readonly start: string; readonly end: string },
): string[] {
  const initialCash = options.initial_cash;
  const campaign = { ...need.campaign, ...(typeof initialCash === 'number' ? { initialCash } : {}) };
  return [
    ...campaignArgvOver({ ...need, campaign }, { start, end }),
    ...Object.entries(FLAGS).flatMap(([key, flags]) =>
      (options[key] ?? null) === null || options[key] === PLAIN_OPTIONS[key] ? [] : flags(options[key]),
    ),
  ];
}

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
