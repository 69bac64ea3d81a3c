/** The machine: its figures with their histories, GPUs, disks, both databases, and who uses what. */
import { useConsole, useConsoleState } from '../components/context.ts';
import { BORDER, contentWidth, type Place, screenLayout, shareRows, stacked } from '../components/layout.ts';
import { contentHeight, type PaneContent, type Rect } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { databasePane, diskPane } from './databases.ts';
import { gpuPane, hostPane } from './host.ts';
import { usagePane } from './usage.ts';

type Contents = Readonly<Record<'host' | 'gpus' | 'disks' | 'postgres' | 'usage', PaneContent>>;

export function Machine() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const half = contentWidth(size, zoomed, Math.floor(size.columns / 2));
  const whole = contentWidth(size, zoomed, size.columns);
  const contents: Contents = {
    host: hostPane(state, half, style),
    gpus: gpuPane(state, contentWidth(size, zoomed, Math.ceil(size.columns / 2)), style),
    disks: diskPane(state, contentWidth(size, zoomed, Math.ceil(size.columns / 2)), style),
    postgres: databasePane(state, whole, style),
    usage: usagePane(state, whole, style),
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
  const left = Math.floor(body.width / 2);
  const upper = Math.min(Math.max(need('host'), need('gpus') + need('disks')), Math.floor(body.height * 0.6));
  const right = shareRows(upper, [
    { id: 'gpus', min: 3, natural: need('gpus'), flex: 1 },
    { id: 'disks', min: 4, natural: need('disks'), flex: 1 },
  ]);
  const lower = shareRows(body.height - upper, [
    { id: 'postgres', min: 5, natural: need('postgres') },
    { id: 'usage', min: 4, natural: need('usage'), flex: 1 },
  ]);
  return [
    { id: 'host', rect: { ...body, width: left, height: upper }, frame: 'box' },
    ...stacked(right, { ...body, left, width: body.width - left }, 'box'),
    ...stacked(lower, { ...body, top: body.top + upper }, 'box'),
  ];
}

function inStack(body: Rect, contents: Contents, focus: keyof Contents): Place[] {
  const HEADING = 1;
  // Figures in columns say nothing without the titles of those; rows that begin with their name do.
  const MIN = { host: HEADING + 4, gpus: HEADING + 3, disks: HEADING + 2, postgres: HEADING + 3, usage: HEADING + 3 };
  const rows = shareRows(
    body.height,
    (['host', 'gpus', 'disks', 'postgres', 'usage'] as const).map((id) => ({
      id,
      min: MIN[id],
      natural: HEADING + Math.max(1, contentHeight(contents[id])),
      flex: id === 'usage' ? 1 : 0,
    })),
    focus,
  );
  return stacked(rows, body, 'bare');
}
