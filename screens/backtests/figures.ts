/** Figures of the selected run beside its benchmarks, and where it comes from. */
import { answerTo, RUNS } from '../../src/console/answers.ts';
import { runDetail } from '../../src/console/backtests.ts';
import { selectedRow } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatInstant } from '../../src/format/age.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatCount, formatFixed, formatPercent, UNKNOWN } from '../../src/format/numbers.ts';
import { readAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { hanging } from '../components/words.ts';

const NAME = 20;
const row = (name: string, value: string): Line => [span(name.padEnd(NAME), 'muted'), value];

/** What a quant asks first. */
export function figurePane(state: ConsoleState, width: number): PaneContent {
  const run = selectedRow(state, 'backtests');
  if (!run) return { title: 'Figures', lines: [[span('No run is selected.', 'muted')]] };
  const months = runDetail(state, run)?.monthly ?? [];
  return {
    title: `Figures of ${run.runId.slice(0, 8)}`,
    note: [
      ...(run.caveat ? [span(run.caveat, 'warn'), span(' · ', 'muted')] : []),
      ...readAge(state, answerTo(state, 'runs', RUNS)),
    ],
    lines: [
      row('return', formatPercent(run.cumulativeReturn, 2, true)),
      row('Sharpe, a year', formatFixed(run.sharpe, 3)),
      row('volatility, a year', formatPercent(run.volatility, 2)),
      row('max drawdown', formatPercent(run.maxDrawdown, 2)),
      row(
        'equal weight',
        `${formatPercent(run.equalWeightReturn, 2, true)}   active ${formatPercent(run.activeReturn, 2, true)}`,
      ),
      row('buy and hold', formatPercent(run.buyAndHoldReturn, 2, true)),
      row('beta', formatFixed(run.beta, 2)),
      row('turnover a day', formatPercent(run.turnoverPerDay, 2)),
      row('break-even cost', run.breakEvenCostBp === null ? UNKNOWN : `${formatFixed(run.breakEvenCostBp, 1)} bp`),
      row('trades', formatCount(run.trades)),
      ...monthRows(
        months.map(({ month, value }) => `${month} ${formatPercent(value, 1, true)}`),
        width,
      ),
    ],
  };
}

/** Months below each other in columns: a break never comes between a figure and its sign. */
function monthRows(months: readonly string[], width: number): Line[] {
  const column = Math.max(...months.map((text) => text.length)) + 2;
  const perRow = Math.max(1, Math.floor((width - NAME + 2) / column));
  const rows = Array.from({ length: Math.ceil(months.length / perRow) }, (_, i) =>
    months.slice(i * perRow, (i + 1) * perRow),
  );
  return rows.map((row, i) => [
    span((i === 0 ? 'months' : '').padEnd(NAME), 'muted'),
    row
      .map((text) => text.padEnd(column))
      .join('')
      .trimEnd(),
  ]);
}

/** Provenance: what made it, from what. `?` is not known: it is never guessed. */
export function originPane(state: ConsoleState, width: number): PaneContent {
  const run = selectedRow(state, 'backtests');
  if (!run) return { title: 'Origin', lines: [[span('No run is selected.', 'muted')]] };
  const { provenance: from } = run;
  const config = runDetail(state, run)?.config ?? null;
  const field = (name: string, value: string): Line[] =>
    hanging([span(name.padEnd(10), 'muted')], value, width, 'plain');
  const settings = Object.entries(config ?? {}).filter(([key]) => !SHOWN_ELSEWHERE.has(key));
  return {
    title: 'Origin',
    note: [span(`made ${formatInstant(run.createdAt)}`, 'muted')],
    lines: [
      ...field(
        'commit',
        from.gitSha ? `${from.gitSha.slice(0, 12)}${from.gitDirty ? ', with changes that are in no commit' : ''}` : '?',
      ),
      ...field('build', from.build?.slice(0, 16) ?? '?'),
      ...field('data', from.data ?? '?'),
      ...field('campaign', from.campaignId ?? '?'),
      ...field('trades', run.tradeListHash ? `hash ${run.tradeListHash.slice(0, 16)}` : '?'),
      ...field('settings', settings.map(([key, value]) => `${key} ${String(value)}`).join(' · ') || '?'),
    ],
  };
}

const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set([
  'campaign_id',
  'caveat',
  'data_fingerprint',
  'build',
  'git_sha',
  'git_dirty',
  'version',
  'demo',
]);
