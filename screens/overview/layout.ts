/** Where each pane of the overview stands. */
import type { PaneId } from '../../src/console/screens.ts';
import type { Size } from '../../src/console/terminal.ts';
import {
  BORDER,
  contentWidth,
  inOrder,
  type Layout,
  type Place,
  type Share,
  screenLayout,
  shareRows,
  stacked,
  WIDE_FROM,
} from '../components/layout.ts';
import type { Rect } from '../components/pane.tsx';

type Pane = 'phases' | 'why' | 'coverage' | 'machine' | 'jobs' | 'job' | 'log' | 'runs';
/** Rows that the content of each pane needs at the moment, column titles included, the frame not. */
type Heights = Readonly<Record<Pane, number>>;

/** Panes of the left column; the others stand at the right, the runs below both. */
const LEFT: ReadonlySet<PaneId> = new Set(['phases', 'why', 'jobs']);
const leftWidth = (columns: number): number => Math.floor(columns * (columns >= WIDE_FROM ? 0.47 : 0.5));

/** Cells for content in a pane of the overview. */
export function overviewWidth(size: Size, zoomed: boolean, id: Pane): number {
  const { columns } = size;
  const width = id === 'runs' ? columns : LEFT.has(id) ? leftWidth(columns) : columns - leftWidth(columns);
  return contentWidth(size, zoomed, width);
}

/** The places of all panes. */
export function overviewLayout(
  size: Size,
  heights: Heights,
  view: { focus: PaneId; zoomed: boolean; anyJob: boolean },
): Layout {
  return screenLayout(
    size,
    view,
    (body) => inColumns(body, heights, view.anyJob || view.focus === 'log'),
    (body) => inStack(body, heights, view.focus),
  );
}

function inColumns(body: Rect, heights: Heights, withLog: boolean): Place[] {
  const wide = body.width >= WIDE_FROM;
  const left = leftWidth(body.width);
  const runs = Math.min(Math.max(heights.runs, 1) + BORDER, Math.floor(body.height / 5));
  const upper = body.height - runs;
  const leftRows = shareRows(upper, [
    { id: 'phases', min: 5, natural: heights.phases + BORDER },
    { id: 'jobs', min: 5, natural: Math.min(heights.jobs, wide ? 9 : 4) + BORDER },
    { id: 'why', min: 7, natural: heights.why + BORDER, flex: 1 },
  ]);
  const rightRows = shareRows(upper, [
    { id: 'coverage', min: 6, natural: heights.coverage + BORDER },
    { id: 'machine', min: 5, natural: heights.machine + BORDER },
    // Without any job the words about the next step have the room of the log, too.
    { id: 'job', min: 6, natural: heights.job + BORDER, flex: withLog ? 0 : 1 },
    ...(withLog ? [{ id: 'log' as const, min: 4, natural: 4, flex: 1 }] : []),
  ]);
  return [
    ...stacked(inOrder(leftRows, ['phases', 'why', 'jobs']), { ...body, width: left }, 'box'),
    ...stacked(rightRows, { ...body, left, width: body.width - left }, 'box'),
    { id: 'runs', rect: { ...body, top: body.top + upper, height: runs }, frame: 'box' },
  ];
}

function inStack(body: Rect, heights: Heights, focus: PaneId): Place[] {
  const HEADING = 1;
  const share = (id: Pane, min: number, most: number): Share => ({
    id,
    min,
    natural: HEADING + Math.max(1, focus === id ? heights[id] : Math.min(most, heights[id])),
    flex: focus === id ? 3 : id === 'log' ? 1 : 0,
  });
  // In the order in which rows beyond the minimum are given; the pane with the focus comes before all.
  const shares = [
    share('phases', HEADING + Math.min(heights.phases, 6), 6),
    { ...share('machine', 1, 1), ...(focus === 'machine' ? {} : { natural: 1 }) },
    share('why', 3, 6),
    share('runs', 2, 4),
    share('coverage', 2, 7),
    share('jobs', 2, 4),
    // Its progress stands in the list of jobs already.
    share('job', 0, 5),
    share('log', 2, 6),
  ];
  const rows = shareRows(body.height, shares, focus);
  return stacked(inOrder(rows, ['phases', 'why', 'jobs', 'job', 'log', 'coverage', 'runs', 'machine']), body, 'bare');
}
