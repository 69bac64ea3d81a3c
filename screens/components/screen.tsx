/** The frame that every screen has: header, its panes in their places, footer. */
import { isList, rowCount, visibleRows } from '../../src/console/lists.ts';
import type { PaneId } from '../../src/console/screens.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { type Line, lineWidth, span } from '../../src/format/lines.ts';
import { formatCount } from '../../src/format/numbers.ts';
import { useConsoleState } from './context.ts';
import { Footer } from './footer.tsx';
import { Header } from './header.tsx';
import type { Layout } from './layout.ts';
import { noteIn, Pane, type PaneContent } from './pane.tsx';
import { Rows } from './rows.tsx';

export interface ScreenFrameProps {
  readonly layout: Layout;
  readonly contents: Readonly<Partial<Record<PaneId, PaneContent>>>;
  /** What a pane says when it has one row in all. */
  readonly lone?: Readonly<Partial<Record<PaneId, Line>>>;
}

/** Draws a screen. */
export function ScreenFrame({ layout, contents, lone = {} }: ScreenFrameProps) {
  const state = useConsoleState();
  return (
    <>
      <Header />
      {layout.places.map(({ id, rect, frame }) => {
        const line = rect.height === 1 ? lone[id] : undefined;
        if (line) return <Rows key={id} {...rect} lines={[line]} />;
        const content = contents[id];
        if (!content) return null;
        return (
          <Pane
            key={id}
            id={id}
            rect={rect}
            frame={frame}
            focused={id === state.focus}
            content={withFilter(state, id, content)}
            scroll={state.scroll[id] ?? 0}
          />
        );
      })}
      <Footer statusRow={layout.statusRow} footerRow={layout.footerRow} />
    </>
  );
}

/** A filtered list says so, with how much it hides: nothing is left out in silence. */
function withFilter(state: ConsoleState, id: PaneId, content: PaneContent): PaneContent {
  const filter = state.filters[id];
  if (!filter || !isList(id)) return content;
  const mark = span(
    `/${filter}/ ${formatCount(visibleRows(state, id).length)} of ${formatCount(rowCount(state, id))}`,
    'warn',
  );
  return {
    ...content,
    note: (room) => {
      const rest = noteIn(content.note, room - lineWidth([mark]) - 2);
      return [mark, ...(rest.length > 0 ? ['  ', ...rest] : [])];
    },
  };
}
