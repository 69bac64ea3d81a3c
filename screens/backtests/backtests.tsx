/** Backtests: the runs on record, curves of the marked ones and two of them compared, figures and origin of the selected one. */
import { comparedRuns } from '../../src/console/backtests.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { BORDER, contentWidth, type Place, screenLayout, shareRows, stacked } from '../components/layout.ts';
import { contentHeight, type PaneContent, type Rect } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { comparePane } from './compare.ts';
import { curvePane } from './curve.ts';
import { figurePane, originPane } from './figures.ts';
import { runList } from './list.ts';

type Contents = Readonly<Record<'backtests' | 'curve' | 'compare' | 'figures' | 'origin', PaneContent>>;
/** Those whose rows are known before their places are. */
type Sized = Omit<Contents, 'curve'>;

const rightWidth = (columns: number): number => Math.max(44, Math.floor(columns * 0.34));
/** Rows of a curve in a stack of headings. */
const STACKED_CURVE = 8;

export function Backtests() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const side = contentWidth(size, zoomed, rightWidth(size.columns));
  const main = contentWidth(size, zoomed, size.columns - rightWidth(size.columns));
  const sized: Sized = {
    backtests: runList(state, contentWidth(size, zoomed, size.columns), style),
    compare: comparePane(state, side, style),
    figures: figurePane(state, side),
    origin: originPane(state, side),
  };
  const comparing = comparedRuns(state) !== null;
  const columns = (body: Rect) => inColumns(body, sized, comparing);
  const stack = (body: Rect) => inStack(body, sized, comparing, state.focus as keyof Contents);
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
  const contents: Contents = { ...sized, curve };
  return <ScreenFrame layout={layout} contents={contents} />;
}

function inColumns(body: Rect, { backtests, compare, figures, origin }: Sized, comparing: boolean): Place[] {
  const upper = Math.min(contentHeight(backtests) + BORDER, Math.floor(body.height * (comparing ? 0.3 : 0.45)));
  const right = rightWidth(body.width);
  const lower = { ...body, top: body.top + upper, height: body.height - upper };
  // A comparison takes the room; what is known of one run alone keeps its first rows.
  const side = shareRows(lower.height, [
    {
      id: 'compare',
      min: comparing ? Math.floor(lower.height * 0.75) : contentHeight(compare) + BORDER,
      natural: contentHeight(compare) + BORDER,
    },
    { id: 'figures', min: comparing ? 3 : 6, natural: contentHeight(figures) + BORDER },
    { id: 'origin', min: comparing ? 3 : 5, natural: contentHeight(origin) + BORDER, flex: 1 },
  ]);
  return [
    { id: 'backtests', rect: { ...body, height: upper }, frame: 'box' },
    { id: 'curve', rect: { ...lower, width: body.width - right }, frame: 'box' },
    ...stacked(side, { ...lower, left: body.width - right, width: right }, 'box'),
  ];
}

function inStack(body: Rect, { backtests, compare }: Sized, comparing: boolean, focus: keyof Contents): Place[] {
  const HEADING = 1;
  const rows = shareRows(
    body.height,
    [
      {
        id: 'backtests',
        min: HEADING + Math.min(3, contentHeight(backtests)),
        natural: HEADING + Math.min(comparing ? 5 : 8, contentHeight(backtests)),
      },
      { id: 'curve', min: HEADING + 4, natural: HEADING + STACKED_CURVE, flex: 1 },
      { id: 'compare', min: HEADING + 1, natural: HEADING + (comparing ? contentHeight(compare) : 1) },
      { id: 'figures', min: HEADING + 1, natural: HEADING + (comparing ? 1 : 4) },
      { id: 'origin', min: HEADING + 1, natural: HEADING + (comparing ? 1 : 2) },
    ],
    focus,
  );
  return stacked(rows, body, 'bare');
}
