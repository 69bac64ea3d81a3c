/** Research: models, λ over clusters and time, λ̂ against what came, what runs made of it, and similar days. */
import { useConsole, useConsoleState } from '../components/context.ts';
import { BORDER, contentWidth, type Place, screenLayout, shareRows, stacked } from '../components/layout.ts';
import { contentHeight, type PaneContent, type Rect } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { bucketTable, forecastTable, lambdaHeat } from './lambda.ts';
import { modelDetail, modelTable } from './models.ts';
import { similarTable } from './similar.ts';

type Contents = Readonly<Record<'models' | 'model' | 'lambda' | 'forecasts' | 'buckets' | 'similar', PaneContent>>;

const leftWidth = (columns: number): number => Math.floor(columns * 0.42);

export function Research() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const left = contentWidth(size, zoomed, leftWidth(size.columns));
  const right = contentWidth(size, zoomed, size.columns - leftWidth(size.columns));
  const contents: Contents = {
    models: modelTable(state, left, style),
    model: modelDetail(state, left),
    lambda: lambdaHeat(state, right, style),
    forecasts: forecastTable(state, left, style),
    buckets: bucketTable(state, left, style),
    similar: similarTable(state, right, style),
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
  const side = shareRows(body.height, [
    { id: 'models', min: 5, natural: need('models') },
    { id: 'model', min: 4, natural: need('model') },
    { id: 'forecasts', min: 5, natural: need('forecasts') },
    { id: 'buckets', min: 5, natural: need('buckets'), flex: 1 },
  ]);
  const main = shareRows(body.height, [
    { id: 'lambda', min: 8, natural: need('lambda'), flex: 1 },
    { id: 'similar', min: 4, natural: need('similar') },
  ]);
  return [
    ...stacked(side, { ...body, width: left }, 'box'),
    ...stacked(main, { ...body, left, width: body.width - left }, 'box'),
  ];
}

function inStack(body: Rect, contents: Contents, focus: keyof Contents): Place[] {
  const HEADING = 1;
  const rows = shareRows(
    body.height,
    (['models', 'model', 'forecasts', 'buckets', 'lambda', 'similar'] as const).map((id) => ({
      id,
      min: HEADING + 1,
      natural: HEADING + contentHeight(contents[id]),
      flex: id === 'lambda' ? 1 : 0,
    })),
    focus,
  );
  return stacked(rows, body, 'bare');
}
