/** Where each pane of the overview stands at a given size. Pure: the same size and content always give the same places. */
import type { PaneId } from '../../src/console/store.ts';
import type { Size } from '../../src/console/terminal.ts';
import { bareIndent, type PaneFrame, type Rect } from '../components/pane.tsx';

/** `columns`: two columns of boxes; `stack`: one column of headings; `single`: one pane at a time. */
export type Arrangement = 'columns' | 'stack' | 'single';

interface Place {
  readonly id: PaneId;
  readonly rect: Rect;
  readonly frame: PaneFrame;
}

export interface Layout {
  readonly arrangement: Arrangement;
  /** Row of the line that tells how things stand, or null when the footer has to do both. */
  readonly statusRow: number | null;
  readonly footerRow: number | null;
  readonly places: readonly Place[];
}

/** Rows that the content of each pane needs at the moment, column titles included, the frame not. */
export type Heights = Readonly<Record<PaneId, number>>;

/** From these sizes on there is room for the arrangement. */
const COLUMNS_FROM = { columns: 120, rows: 35 };
const STACK_FROM = { columns: 80, rows: 24 };
const WIDE_FROM = 180;

interface Share {
  readonly id: PaneId;
  readonly min: number;
  readonly natural: number;
  /** Takes a part of what is left over. */
  readonly flex?: number;
}

/**
 * Shares `total` rows out: first the minimum of each, then what its content needs, in the order given but `preferred`
 * before all, then the rest to the flexible ones.
 */
function shareRows(total: number, shares: readonly Share[], preferred?: PaneId): Map<PaneId, number> {
  const rows = new Map<PaneId, number>();
  let left = total;
  const give = (id: PaneId, wanted: number) => {
    const given = Math.max(0, Math.min(left, wanted));
    rows.set(id, (rows.get(id) ?? 0) + given);
    left -= given;
  };
  for (const { id, min, natural } of shares) give(id, Math.min(min, natural));
  const eager = [...shares].sort((a, b) => Number(b.id === preferred) - Number(a.id === preferred));
  for (const { id, natural } of eager) give(id, natural - (rows.get(id) ?? 0));
  const flexible = shares.filter((s) => s.flex);
  let weight = flexible.reduce((sum, s) => sum + (s.flex ?? 0), 0);
  for (const { id, flex = 0 } of flexible) {
    give(id, Math.round((left * flex) / weight));
    weight -= flex;
  }
  return rows;
}

/** Which arrangement a size allows. A zoomed pane stands alone at any size. */
export function arrangementOf({ columns, rows }: Size, zoomed: boolean): Arrangement {
  if (zoomed) return 'single';
  if (columns >= COLUMNS_FROM.columns && rows >= COLUMNS_FROM.rows) return 'columns';
  return columns >= STACK_FROM.columns && rows >= STACK_FROM.rows ? 'stack' : 'single';
}

const isSmall = ({ columns, rows }: Size): boolean => columns < STACK_FROM.columns || rows < STACK_FROM.rows;

/** Panes of the left column; the others stand at the right, the runs below both. */
const LEFT: ReadonlySet<PaneId> = new Set(['phases', 'why', 'jobs']);
const leftWidth = (columns: number): number => Math.floor(columns * (columns >= WIDE_FROM ? 0.47 : 0.5));

/** Cells for content in a pane; known before the content is, which in turn decides the heights. */
export function contentWidth(size: Size, zoomed: boolean, id: PaneId): number {
  const { columns } = size;
  const arrangement = arrangementOf(size, zoomed);
  if (arrangement === 'stack' || (arrangement === 'single' && isSmall(size))) return columns - bareIndent(columns);
  if (arrangement === 'single' || id === 'runs') return columns - 4;
  return (LEFT.has(id) ? leftWidth(columns) : columns - leftWidth(columns)) - 4;
}

/** The places of all panes. */
export function overviewLayout(
  size: Size,
  heights: Heights,
  view: { focus: PaneId; zoomed: boolean; anyJob: boolean },
): Layout {
  const { focus, zoomed } = view;
  const { columns, rows } = size;
  const arrangement = arrangementOf(size, zoomed);
  if (isSmall(size)) {
    const rect = { left: 0, top: rows > 1 ? 1 : 0, width: columns, height: Math.max(0, rows - (rows > 2 ? 2 : 1)) };
    return {
      arrangement,
      statusRow: null,
      footerRow: rows > 2 ? rows - 1 : null,
      places: [{ id: focus, rect, frame: 'bare' }],
    };
  }
  const body = { left: 0, top: 1, width: columns, height: rows - 3 };
  const places =
    arrangement === 'single'
      ? [{ id: focus, rect: body, frame: 'box' as const }]
      : arrangement === 'columns'
        ? inColumns(body, heights, view.anyJob || focus === 'log')
        : inStack(body, heights, focus);
  return { arrangement, statusRow: rows - 2, footerRow: rows - 1, places };
}

/** Rows that a box takes for itself. */
const BORDER = 2;

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
  const share = (id: PaneId, min: number, most: number): Share => ({
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

const inOrder = (rows: ReadonlyMap<PaneId, number>, order: readonly PaneId[]): Map<PaneId, number> =>
  new Map(order.map((id) => [id, rows.get(id) ?? 0]));

function stacked(rows: ReadonlyMap<PaneId, number>, area: Rect, frame: PaneFrame): Place[] {
  let top = area.top;
  const places: Place[] = [];
  for (const [id, height] of rows) {
    if (height > 0) places.push({ id, rect: { ...area, top, height }, frame });
    top += height;
  }
  return places;
}
