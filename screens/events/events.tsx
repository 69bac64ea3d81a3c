/** Events: the journal of the home as a list, and the selected entry whole. */
import { useConsole, useConsoleState } from '../components/context.ts';
import { BORDER, contentWidth, type Place, screenLayout } from '../components/layout.ts';
import { contentHeight, type PaneContent, type Rect } from '../components/pane.tsx';
import { ScreenFrame } from '../components/screen.tsx';
import { eventDetail, eventTable } from './journal.ts';

type Contents = Readonly<Record<'events' | 'event', PaneContent>>;

export function Events() {
  const { style } = useConsole();
  const state = useConsoleState();
  const { size, zoomed } = state;
  const width = contentWidth(size, zoomed, size.columns);
  const contents: Contents = { events: eventTable(state, width, style), event: eventDetail(state, width) };
  const arrange = (frame: 'box' | 'bare') => (body: Rect) => arranged(body, contents, frame);
  return <ScreenFrame layout={screenLayout(size, state, arrange('box'), arrange('bare'))} contents={contents} />;
}

function arranged(body: Rect, contents: Contents, frame: 'box' | 'bare'): Place[] {
  const edge = frame === 'box' ? BORDER : 1;
  const below = Math.min(contentHeight(contents.event) + edge, Math.floor(body.height / 3));
  const list = { ...body, height: body.height - below };
  return [
    { id: 'events', rect: list, frame },
    { id: 'event', rect: { ...body, top: body.top + list.height, height: below }, frame },
  ];
}
