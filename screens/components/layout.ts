/** Where panes stand at a given size. Pure: the same size and content always give the same places. */
import type { PaneId } from '../../src/console/screens.ts';
import type { Size } from '../../src/console/terminal.ts';
import { bareIndent, type PaneFrame, type Rect } from './pane.tsx';

/** `columns`: boxes beside each other; `stack`: one column of headings; `single`: one pane at a time. */
export type Arrangement = 'columns' | 'stack' | 'single';

export interface Place {
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

/** From these sizes on there is room for the arrangement. */
const COLUMNS_FROM = { columns: 120, rows: 35 };
const STACK_FROM = { columns: 80, rows: 24 };
/** From this width on boxes have room to spare. */
export const WIDE_FROM = 180;
/** Rows that a box takes for itself, and cells. */
export const BORDER = 2;
const SIDES = 4;

/** Which arrangement a size allows. A zoomed pane stands alone at any size. */
export function arrangementOf({ columns, rows }: Size, zoomed: boolean): Arrangement {
  if (zoomed) return 'single';
  if (columns >= COLUMNS_FROM.columns && rows >= COLUMNS_FROM.rows) return 'columns';
  return columns >= STACK_FROM.columns && rows >= STACK_FROM.rows ? 'stack' : 'single';
}

const isSmall = ({ columns, rows }: Size): boolean => columns < STACK_FROM.columns || rows < STACK_FROM.rows;

/**
 * Cells for content in a pane that is `width` wide where panes stand in columns; known before the content is, which in
 * turn decides the heights.
 */
export function contentWidth(size: Size, zoomed: boolean, width: number): number {
  const { columns } = size;
  const arrangement = arrangementOf(size, zoomed);
  if (arrangement === 'stack' || (arrangement === 'single' && isSmall(size))) return columns - bareIndent(columns);
  return (arrangement === 'single' ? columns : width) - SIDES;
}

/** The places of a screen's panes: `inColumns` and `inStack` share out the room between header and footer. */
export function screenLayout(
  size: Size,
  view: { readonly focus: PaneId; readonly zoomed: boolean },
  inColumns: (body: Rect) => readonly Place[],
  inStack: (body: Rect) => readonly Place[],
): Layout {
  const { columns, rows } = size;
  const arrangement = arrangementOf(size, view.zoomed);
  if (isSmall(size)) {
    const rect = { left: 0, top: rows > 1 ? 1 : 0, width: columns, height: Math.max(0, rows - (rows > 2 ? 2 : 1)) };
    return {
      arrangement,
      statusRow: null,
      footerRow: rows > 2 ? rows - 1 : null,
      places: [{ id: view.focus, rect, frame: 'bare' }],
    };
  }
  const body = { left: 0, top: 1, width: columns, height: rows - 3 };
  const alone: Place = { id: view.focus, rect: body, frame: 'box' };
  const places = arrangement === 'single' ? [alone] : arrangement === 'columns' ? inColumns(body) : inStack(body);
  return { arrangement, statusRow: rows - 2, footerRow: rows - 1, places };
}

export interface Share {
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
export function shareRows(total: number, shares: readonly Share[], preferred?: PaneId): Map<PaneId, number> {
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

/** Shares below each other in an area, in the order given. */
export function stacked(rows: ReadonlyMap<PaneId, number>, area: Rect, frame: PaneFrame): Place[] {
  let top = area.top;
  const places: Place[] = [];
  for (const [id, height] of rows) {
    if (height > 0) places.push({ id, rect: { ...area, top, height }, frame });
    top += height;
  }
  return places;
}

export const inOrder = (rows: ReadonlyMap<PaneId, number>, order: readonly PaneId[]): Map<PaneId, number> =>
  new Map(order.map((id) => [id, rows.get(id) ?? 0]));
