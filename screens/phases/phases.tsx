/** Phases: checks with evidence, the selected one explained, the plan's commands, what happened. */
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
import { phaseList } from '../overview/phases.ts';
import { checkDetail, checkTable } from './checks.ts';
import { commandList } from './commands.ts';
import { phaseHistory } from './history.ts';

type Contents = Readonly<Record<'phases' | 'checks' | 'check' | 'commands' | 'history', PaneContent>>;

const leftWidth = (columns: number): number => Math.max(39, Math.floor(columns * 0.22));

export function Phases() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const side = contentWidth(size, zoomed, leftWidth(size.columns));
  const main = contentWidth(size, zoomed, size.columns - leftWidth(size.columns));
  const dense = arrangementOf(size, zoomed) === 'stack';
  const contents: Contents = {
    phases: phaseList(state, side, style, dense ? 'one' : 'below'),
    checks: checkTable(state, main, style),
    check: checkDetail(state, main, style, dense),
    commands: commandList(state, main, dense),
    history: phaseHistory(state, side),
  };
  const layout = screenLayout(
    size,
    state,
    (body) => inColumns(body, contents),
    (body) => inStack(body, contents, state.focus),
  );
  return <ScreenFrame layout={layout} contents={contents} />;
}

function inColumns(body: Rect, contents: Contents): Place[] {
  const left = leftWidth(body.width);
  const need = (id: keyof Contents) => contentHeight(contents[id]) + BORDER;
  const side = shareRows(body.height, [
    { id: 'phases', min: 4, natural: need('phases') },
    { id: 'history', min: 4, natural: need('history'), flex: 1 },
  ]);
  const main = shareRows(body.height, [
    { id: 'checks', min: 6, natural: need('checks') },
    { id: 'check', min: 8, natural: need('check'), flex: 1 },
    { id: 'commands', min: 5, natural: need('commands') },
  ]);
  return [
    ...stacked(side, { ...body, width: left }, 'box'),
    ...stacked(main, { ...body, left, width: body.width - left }, 'box'),
  ];
}

function inStack(body: Rect, contents: Contents, focus: string): Place[] {
  const HEADING = 1;
  const share = (id: keyof Contents, min: number, most: number) => ({
    id,
    min: HEADING + Math.min(min, contentHeight(contents[id])),
    natural: HEADING + (focus === id ? contentHeight(contents[id]) : Math.min(most, contentHeight(contents[id]))),
    flex: id === 'check' ? 1 : 0,
  });
  const rows = shareRows(
    body.height,
    [
      share('phases', 2, 6),
      share('checks', 3, 8),
      share('check', 3, 6),
      share('commands', 1, 3),
      share('history', 1, 3),
    ],
    focus as keyof Contents,
  );
  return stacked(rows, body, 'bare');
}
