/** Jobs: the list, the selected one's log, its figures over time with one of them drawn, and its record. */
import type { PaneId } from '../../src/console/screens.ts';
import type { Size } from '../../src/console/terminal.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import {
  BORDER,
  contentWidth,
  inOrder,
  type Place,
  screenLayout,
  shareRows,
  stacked,
  WIDE_FROM,
} from '../components/layout.ts';
import { contentHeight, innerSize, type PaneContent, type Rect } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { jobTable } from '../overview/jobs.ts';
import { chartPane } from './chart.ts';
import { metricsPane } from './metrics.ts';
import { outputPane } from './output.ts';
import { jobRecord } from './record.ts';

type Sized = Readonly<Record<'jobs' | 'metrics' | 'job', PaneContent>>;

/** Rows of a chart in a column of its own, and above which a list of figures leaves room to the log. */
const CHART = 11;
const FIGURES = 0.42;

/** Where it is wide, figures and chart stand beside each other, else below. */
const figuresWidth = ({ columns }: Pick<Size, 'columns'>): number => {
  const right = columns - leftWidth(columns);
  return columns >= WIDE_FROM ? Math.ceil(right / 2) : right;
};
const leftWidth = (columns: number): number => Math.max(50, Math.floor(columns * 0.36));

export function Jobs() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const side = contentWidth(size, zoomed, leftWidth(size.columns));
  const contents: Sized = {
    jobs: jobTable(state, side, style),
    metrics: metricsPane(state, contentWidth(size, zoomed, figuresWidth(size)), style),
    job: jobRecord(state, side, style, zoomed),
  };
  const layout = screenLayout(
    size,
    state,
    (body) => inColumns(body, contents),
    (body) => inStack(body, contents, state.focus),
  );
  // Log and chart take what is left: their rows are made for their place, not their place for their rows.
  const roomOf = (pane: PaneId) => {
    const place = layout.places.find(({ id }) => id === pane);
    return place ? innerSize(place.rect, place.frame) : { width: 0, height: 0 };
  };
  const [log, plot] = [roomOf('output'), roomOf('chart')];
  const output = outputPane(state, log.width, log.height);
  const chart = chartPane(state, plot.width, plot.height, style);
  return <ScreenFrame layout={layout} contents={{ ...contents, output, chart }} />;
}

function inColumns(body: Rect, contents: Sized): Place[] {
  const left = leftWidth(body.width);
  const need = (id: keyof Sized) => contentHeight(contents[id]) + BORDER;
  const half = Math.floor(body.height / 2);
  const side = shareRows(body.height, [
    { id: 'jobs', min: Math.min(need('jobs'), half), natural: need('jobs'), flex: 1 },
    { id: 'job', min: Math.min(need('job'), half), natural: need('job') },
  ]);
  const right = { ...body, left, width: body.width - left };
  const wide = body.width >= WIDE_FROM;
  const figures = Math.min(need('metrics'), Math.floor(body.height * (wide ? FIGURES : 0.28)));
  const height = wide ? Math.max(figures, CHART) : figures;
  const main = shareRows(body.height, [
    { id: 'metrics', min: height, natural: height },
    ...(wide ? [] : [{ id: 'chart' as const, min: CHART, natural: CHART }]),
    { id: 'output', min: 4, natural: 4, flex: 1 },
  ]);
  const places = stacked(inOrder(main, ['output', 'metrics', ...(wide ? [] : ['chart' as const])]), right, 'box');
  const sides = stacked(side, { ...body, width: left }, 'box');
  if (!wide) return [...sides, ...places];
  const lower = places.find(({ id }) => id === 'metrics')!;
  const width = figuresWidth({ columns: body.width });
  const chart = { ...lower.rect, left: left + width, width: right.width - width };
  return [
    ...sides,
    ...places.map((place) => (place === lower ? { ...place, rect: { ...place.rect, width } } : place)),
    { id: 'chart', rect: chart, frame: 'box' },
  ];
}

/** Rows from which a chart says more than its legend, and of a stack from which there is room for it beside the rest. */
const SMALL_CHART = 8;
const CHART_BESIDE_FROM = 32;

/** The pane with the focus takes half of the rows at most, and the log is never without lines; the others have to be short. */
function inStack(body: Rect, contents: Sized, focus: PaneId): Place[] {
  const HEADING = 1;
  const half = Math.floor(body.height / 2);
  const share = (id: keyof Sized, least: number, most: number) => {
    const rows = contentHeight(contents[id]);
    const [min, natural] = focus === id ? [half, half] : [least, most];
    return { id, min: HEADING + Math.min(rows, min), natural: HEADING + Math.min(rows, natural) };
  };
  const chart = focus === 'chart' ? HEADING + half : body.height >= CHART_BESIDE_FROM ? HEADING + SMALL_CHART : 0;
  const rows = shareRows(body.height, [
    { id: 'output' as const, min: HEADING + 3, natural: HEADING + 3, flex: 1 },
    { id: 'chart' as const, min: chart, natural: chart },
    share('jobs', 3, 5),
    share('metrics', 3, 3),
    share('job', 1, 2),
  ]);
  return stacked(inOrder(rows, ['jobs', 'output', 'metrics', 'chart', 'job']), body, 'bare');
}
