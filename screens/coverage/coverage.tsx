/** Coverage: table × year, the year under the cursor by month and trading day, its gaps, and who is missing. */
import { useConsole, useConsoleState } from '../components/context.ts';
import {
  arrangementOf,
  BORDER,
  contentWidth,
  type Place,
  screenLayout,
  shareRows,
  stacked,
} from '../components/layout.ts';
import { contentHeight, type PaneContent, type Rect } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { dayGrid } from './days.ts';
import { gapTable, missingNames } from './gaps.ts';
import { heatTable } from './heat.ts';

type Contents = Readonly<Record<'heat' | 'days' | 'gaps' | 'missing', PaneContent>>;

const leftWidth = (columns: number): number => Math.floor(columns / 2);

export function Coverage() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const left = contentWidth(size, zoomed, leftWidth(size.columns));
  const right = contentWidth(size, zoomed, size.columns - leftWidth(size.columns));
  const contents: Contents = {
    heat: heatTable(state, contentWidth(size, zoomed, size.columns), style),
    days: dayGrid(state, left, style, arrangementOf(size, zoomed) === 'stack'),
    gaps: gapTable(state, right, style),
    missing: missingNames(state, right),
  };
  const layout = screenLayout(
    size,
    state,
    (body) => inColumns(body, contents),
    (body) => inStack(body, contents, state.focus as keyof Contents),
  );
  return <ScreenFrame layout={layout} contents={contents} />;
}

function inColumns(body: Rect, contents: Contents): Place[] {
  const need = (id: keyof Contents) => contentHeight(contents[id]) + BORDER;
  const left = leftWidth(body.width);
  const heat = Math.min(need('heat'), body.height - 16);
  const lower = { ...body, top: body.top + heat, height: body.height - heat };
  const side = shareRows(lower.height, [
    { id: 'gaps', min: 5, natural: need('gaps'), flex: 1 },
    { id: 'missing', min: 4, natural: need('missing') },
  ]);
  return [
    { id: 'heat', rect: { ...body, height: heat }, frame: 'box' },
    { id: 'days', rect: { ...lower, width: left }, frame: 'box' },
    ...stacked(side, { ...lower, left, width: body.width - left }, 'box'),
  ];
}

function inStack(body: Rect, contents: Contents, focus: keyof Contents): Place[] {
  const HEADING = 1;
  const share = (id: keyof Contents, min: number, most: number, flex = 0) => ({
    id,
    min: HEADING + Math.min(min, contentHeight(contents[id])),
    natural: HEADING + (focus === id ? contentHeight(contents[id]) : Math.min(most, contentHeight(contents[id]))),
    flex,
  });
  const rows = shareRows(
    body.height,
    [share('heat', 3, 9), share('days', 6, 13, 1), share('gaps', 2, 4), share('missing', 1, 2)],
    focus,
  );
  return stacked(rows, body, 'bare');
}
