/** Jobs: the list, the selected one's log, its figures over time and its record. */
import type { PaneId } from '../../src/console/screens.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import {
  arrangementOf,
  BORDER,
  contentWidth,
  inOrder,
  type Place,
  screenLayout,
  shareRows,
  stacked,
} from '../components/layout.ts';
import { contentHeight, innerSize, type PaneContent, type Rect } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { jobTable } from '../overview/jobs.ts';
import { metricsPane } from './metrics.ts';
import { outputPane } from './output.ts';
import { jobRecord } from './record.ts';

type Sized = Readonly<Record<'jobs' | 'metrics' | 'job', PaneContent>>;

const leftWidth = (columns: number): number => Math.max(44, Math.floor(columns * 0.36));

export function Jobs() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const side = contentWidth(size, zoomed, leftWidth(size.columns));
  const main = contentWidth(size, zoomed, size.columns - leftWidth(size.columns));
  const chart = arrangementOf(size, zoomed) !== 'stack';
  const contents: Sized = {
    jobs: jobTable(state, side, style),
    metrics: metricsPane(state, main, style, chart),
    job: jobRecord(state, side, style, zoomed),
  };
  const layout = screenLayout(
    size,
    state,
    (body) => inColumns(body, contents),
    (body) => inStack(body, contents, state.focus),
  );
  // The log takes what is left: its rows are cut to its place, not its place to its rows.
  const place = layout.places.find(({ id }) => id === 'output');
  const room = place ? innerSize(place.rect, place.frame) : { width: 0, height: 0 };
  const output = outputPane(state, room.width, room.height);
  return <ScreenFrame layout={layout} contents={{ ...contents, output }} />;
}

function inColumns(body: Rect, contents: Sized): Place[] {
  const left = leftWidth(body.width);
  const need = (id: keyof Sized) => contentHeight(contents[id]) + BORDER;
  const half = Math.floor(body.height / 2);
  const side = shareRows(body.height, [
    { id: 'jobs', min: Math.min(need('jobs'), half), natural: need('jobs'), flex: 1 },
    { id: 'job', min: Math.min(need('job'), half), natural: need('job') },
  ]);
  const metrics = Math.min(need('metrics'), Math.floor(body.height * 0.42));
  const main = shareRows(body.height, [
    { id: 'metrics', min: metrics, natural: metrics },
    { id: 'output', min: 4, natural: 4, flex: 1 },
  ]);
  return [
    ...stacked(side, { ...body, width: left }, 'box'),
    ...stacked(inOrder(main, ['output', 'metrics']), { ...body, left, width: body.width - left }, 'box'),
  ];
}

function inStack(body: Rect, contents: Sized, focus: PaneId): Place[] {
  const HEADING = 1;
  const share = (id: keyof Sized, most: number) => {
    const height = HEADING + Math.min(contentHeight(contents[id]), focus === id ? Math.floor(body.height / 2) : most);
    return { id, min: height, natural: height };
  };
  const rows = shareRows(body.height, [
    share('jobs', 5),
    share('metrics', 3),
    share('job', 2),
    { id: 'output' as const, min: 3, natural: 3, flex: 1 },
  ]);
  return stacked(inOrder(rows, ['jobs', 'output', 'metrics', 'job']), body, 'bare');
}
