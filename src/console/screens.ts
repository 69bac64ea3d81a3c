/** The screens, the number keys that open them, and the panes of each in the order of Tab. */

export const SCREENS = [
  {
    id: 'overview',
    key: '1',
    title: 'Overview',
    short: 'Ovw',
    panes: ['phases', 'why', 'coverage', 'machine', 'jobs', 'job', 'log', 'runs'],
  },
  {
    id: 'phases',
    key: '2',
    title: 'Phases',
    short: 'Pha',
    panes: ['phases', 'checks', 'check', 'commands', 'history'],
  },
  {
    id: 'jobs',
    key: '3',
    title: 'Jobs',
    short: 'Job',
    panes: ['jobs', 'output', 'metrics', 'chart', 'job'],
  },
  {
    id: 'backtests',
    key: '4',
    title: 'Backtests',
    short: 'Bkt',
    panes: ['backtests', 'curve', 'compare', 'figures', 'origin'],
  },
  {
    id: 'coverage',
    key: '5',
    title: 'Coverage',
    short: 'Cov',
    panes: ['heat', 'days', 'gaps', 'missing'],
  },
  {
    id: 'machine',
    key: '6',
    title: 'Machine',
    short: 'Mac',
    panes: ['host', 'gpus', 'disks', 'postgres', 'usage'],
  },
  {
    id: 'events',
    key: '7',
    title: 'Events',
    short: 'Evt',
    panes: ['events', 'event'],
  },
  {
    id: 'research',
    key: '8',
    title: 'Research',
    short: 'Res',
    panes: ['models', 'model', 'forecasts', 'buckets', 'lambda', 'similar'],
  },
] as const;

type Screen = (typeof SCREENS)[number];
export type ScreenId = Screen['id'];
export type PaneId = Screen['panes'][number];

/** The panes of a screen, in the order of Tab. */
export const panesOf = (id: ScreenId): readonly PaneId[] => SCREENS.find((screen) => screen.id === id)!.panes;
