/** Backtests: the runs on record, curves of the marked ones, figures and origin of the selected one. */
import { useConsole, useConsoleState } from '../components/context.ts';
import { BORDER, contentWidth, type Place, screenLayout, shareRows, stacked } from '../components/layout.ts';
import { contentHeight, type PaneContent, type Rect } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { curvePane } from './curve.ts';
import { figurePane, originPane } from './figures.ts';
import { runList } from './list.ts';

type Contents = Readonly<Record<'backtests' | 'curve' | 'figures' | 'origin', PaneContent>>;

const rightWidth = (columns: number): number => Math.max(44, Math.floor(columns * 0.34));
/** Rows of a curve in a stack of headings. */
const STACKED_CURVE = 8;

export function Backtests() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const side = contentWidth(size, zoomed, rightWidth(size.columns));
  const main = contentWidth(size, zoomed, size.columns - rightWidth(size.columns));
  const list = runList(state, contentWidth(size, zoomed, size.columns), style);
  const figures = figurePane(state, side);
  const origin = originPane(state, side);
  const columns = (body: Rect) => inColumns(body, { list, figures, origin });
  const stack = (body: Rect) => inStack(body, list, state.focus as keyof Contents);
  const layout = screenLayout(size, state, columns, stack);
  // A curve is drawn for the room it has: its place is known first.
  const place = layout.places.find(({ id }) => id === 'curve');
  const rows = place ? place.rect.height - (place.frame === 'box' ? BORDER : 1) : 0;
  const curve = curvePane(
    state,
    place?.frame === 'box' && !zoomed ? main : contentWidth(size, zoomed, size.columns),
    rows,
    style,
  );
  const contents: Contents = { backtests: list, curve, figures, origin };
  return <ScreenFrame layout={layout} contents={contents} />;
}

function inColumns(
  body: Rect,
  { list, figures, origin }: Readonly<Record<'list' | 'figures' | 'origin', PaneContent>>,
): Place[] {
  const upper = Math.min(contentHeight(list) + BORDER, Math.floor(body.height * 0.45));
  const right = rightWidth(body.width);
  const lower = { ...body, top: body.top + upper, height: body.height - upper };
  const side = shareRows(lower.height, [
    { id: 'figures', min: 6, natural: contentHeight(figures) + BORDER },
    { id: 'origin', min: 5, natural: contentHeight(origin) + BORDER, flex: 1 },
  ]);
  return [
    { id: 'backtests', rect: { ...body, height: upper }, frame: 'box' },
    { id: 'curve', rect: { ...lower, width: body.width - right }, frame: 'box' },
    ...stacked(side, { ...lower, left: body.width - right, width: right }, 'box'),
  ];
}

function inStack(body: Rect, list: PaneContent, focus: keyof Contents): Place[] {
  const HEADING = 1;
  const rows = shareRows(
    body.height,
    [
      {
        id: 'backtests',
        min: HEADING + Math.min(3, contentHeight(list)),
        natural: HEADING + Math.min(8, contentHeight(list)),
      },
      { id: 'curve', min: HEADING + 4, natural: HEADING + STACKED_CURVE, flex: 1 },
      { id: 'figures', min: HEADING + 1, natural: HEADING + 4 },
      { id: 'origin', min: HEADING + 1, natural: HEADING + 2 },
    ],
    focus,
  );
  return stacked(rows, body, 'bare');
}
