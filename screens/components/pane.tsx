/** A titled part of the screen: a box where there is room for borders, a heading over bare rows where there is not. */
import { useEffect } from 'react';
import type { PaneId } from '../../src/console/screens.ts';
import { fitLine, type Line, lineText, lineWidth, type Style, span, spellLine } from '../../src/format/lines.ts';
import { CUT, cellWidth, cutToWidth } from '../../src/format/width.ts';
import { useConsole } from './context.ts';
import { Rows } from './rows.tsx';

/** What a pane shows. The rows may be more than fit; `top` says which is the first one on screen. */
export interface PaneContent {
  readonly title: string;
  /** Right end of the title row: one line, cut where it has no room, or what there is to say in the room there is. */
  readonly note?: Note;
  readonly lines: readonly Line[];
  /** Stays above the rows when they scroll. */
  readonly header?: Line;
  /** Columns had to leave rows that have no column titles, where a mark would tell of it. */
  readonly narrowed?: boolean;
  /** The line with which each row of a list begins, where rows take several. */
  readonly starts?: readonly number[];
  /** The first row of what is selected: it stays in view. */
  readonly selectedRow?: number;
  /** The pane rests at its last row, as a log does. */
  readonly fromEnd?: boolean;
}

export type Note = Line | ((room: number) => Line);

export const noteIn = (note: Note | undefined, room: number): Line =>
  typeof note === 'function' ? note(room) : (note ?? []);

export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export type PaneFrame = 'box' | 'bare';

/** Rows under a heading are set in by a cell where there is one to spare. */
export const bareIndent = (width: number): number => (width >= 40 ? 1 : 0);

/** Rows and columns of a pane that its frame leaves for content. */
export function innerSize(rect: Rect, frame: PaneFrame): { width: number; height: number } {
  const box = frame === 'box';
  return {
    width: Math.max(0, rect.width - (box ? 4 : bareIndent(rect.width))),
    height: Math.max(0, rect.height - (box ? 2 : 1)),
  };
}

/** Rows that a content needs, its column titles included. */
export const contentHeight = ({ lines, header }: PaneContent): number => lines.length + (header ? 1 : 0);

/** Column titles are shown only where they leave room for two rows. */
const showsHeader = (content: PaneContent, height: number): boolean =>
  content.header !== undefined && height - 1 >= Math.min(2, content.lines.length);

/** The first visible row for a selection that must stay in view. */
function topFor(selected: number, height: number, count: number): number {
  if (count <= height || height <= 0) return 0;
  return Math.max(0, Math.min(selected - Math.floor(height / 2), count - height));
}

export interface PaneProps {
  readonly id: PaneId;
  readonly rect: Rect;
  readonly frame: PaneFrame;
  readonly focused: boolean;
  readonly content: PaneContent;
  /** Rows scrolled away from the resting place. */
  readonly scroll: number;
}

/** Draws a pane and tells the controller how far it scrolls. */
export function Pane({ id, rect, frame, focused, content: given, scroll }: PaneProps) {
  const { limits, style } = useConsole();
  const content = spellContent(given, style);
  const inner = innerSize(rect, frame);
  const titled = showsHeader(content, inner.height);
  const body = Math.max(0, inner.height - (titled ? 1 : 0));
  const limit = Math.max(0, content.lines.length - body);
  useEffect(() => {
    limits.panes[id] = limit;
  }, [limits, id, limit]);
  const top =
    content.selectedRow === undefined
      ? content.fromEnd
        ? limit - scroll
        : scroll
      : topFor(content.selectedRow, body, content.lines.length);
  const first = Math.max(0, Math.min(limit, top));
  const bodyTop = rect.top + 1 + (titled ? 1 : 0);
  const { starts } = given;
  const count = content.lines.length;
  useEffect(() => {
    limits.spots[id] = { rect, bodyTop, bodyRows: body, first, lines: count, starts };
    return () => {
      delete limits.spots[id];
    };
  }, [limits, id, rect, bodyTop, body, first, count, starts]);
  const visible = content.lines.slice(first, first + body);
  const shown = titled ? [content.header ?? [], ...visible] : visible;
  const hidden = {
    above: first,
    below: Math.max(0, content.lines.length - first - body),
    columns: content.narrowed === true || (content.header !== undefined && !titled),
  };
  const lines =
    frame === 'box'
      ? boxed(content, shown, rect, focused, hidden)
      : [
          heading(content, rect.width, focused, hidden),
          ...shown.map((line): Line => [' '.repeat(bareIndent(rect.width)), ...line]),
        ];
  return <Rows {...rect} lines={lines} />;
}

function spellContent(content: PaneContent, style: Style): PaneContent {
  if (!style.ascii) return content;
  const spell = (line: Line) => spellLine(line, style);
  return {
    ...content,
    title: lineText(spell([content.title])),
    note: (room) => spell(noteIn(content.note, room)),
    header: content.header && spell(content.header),
    lines: content.lines.map(spell),
  };
}

interface Hidden {
  readonly above: number;
  readonly below: number;
  /** Columns or their titles. */
  readonly columns: boolean;
}

/** `… ▴3 ▾12`: columns and rows out of sight, so that nothing is cut without a mark. */
function hiddenMark({ above, below, columns }: Hidden): string {
  return [columns ? CUT : '', above > 0 ? `▴${above}` : '', below > 0 ? `▾${below}` : ''].filter(Boolean).join(' ');
}

/** Title left, note right, a rule between them. */
function heading(content: PaneContent, width: number, focused: boolean, hidden: Hidden): Line {
  const mark = hiddenMark(hidden);
  const before: Line = mark ? [span(` ${mark}`, 'warn')] : [];
  return titleRow(content, width, focused, { first: focused ? '▸' : ' ', rule: '─', before, last: '' });
}

function boxed(content: PaneContent, shown: readonly Line[], rect: Rect, focused: boolean, hidden: Hidden): Line[] {
  const tone = toneOf(focused);
  const [corners, horizontal, vertical] = focused ? ['╔╗╚╝', '═', '║'] : ['┌┐└┘', '─', '│'];
  const inner = rect.width - 4;
  const mark = hiddenMark(hidden);
  const foot: Line = mark ? [span(` ${mark} `, 'warn'), span(horizontal, tone)] : [];
  const edge = (left: string, middle: Line, right: string): Line => [span(left, tone), ...middle, span(right, tone)];
  const blank: Line = [' '.repeat(Math.max(0, inner))];
  const ends = { first: ' ', rule: horizontal, before: [], last: ' ' };
  return [
    edge(corners[0] + horizontal, titleRow(content, rect.width - 3, focused, ends), corners[1]),
    ...Array.from({ length: rect.height - 2 }, (_, row): Line => {
      const line = shown[row] ?? blank;
      return [span(vertical, tone), ' ', ...fitLine(line, inner), ' ', span(vertical, tone)];
    }),
    edge(corners[2], [ruleOf(horizontal, rect.width - 2 - lineWidth(foot), focused), ...foot], corners[3]),
  ];
}

const toneOf = (focused: boolean) => (focused ? 'accent' : 'muted');
const ruleOf = (rule: string, cells: number, focused: boolean) =>
  span(rule.repeat(Math.max(0, cells)), toneOf(focused));

interface TitleEnds {
  readonly first: string;
  readonly rule: string;
  /** Stands before the note, whole. */
  readonly before: Line;
  readonly last: string;
}

/** The title, a rule of a cell at least, and what the room behind it leaves of the note: of a long one a mark at least. */
function titleRow(
  { title, note }: PaneContent,
  width: number,
  focused: boolean,
  { first, rule, before, last }: TitleEnds,
): Line {
  const around = cellWidth(`${first} ${rule} ${last}`) + lineWidth(before);
  const text = cutToWidth(title, Math.max(1, width - around - cellWidth(CUT)));
  const room = Math.max(0, width - around - cellWidth(text));
  const said = noteIn(note, room);
  const right: Line = [
    ...before,
    ...(lineWidth(said) > 0 ? [' ', ...(lineWidth(said) > room ? fitLine(said, room) : said), last] : []),
  ];
  const left = span(`${first}${text} `, focused ? 'accent' : 'strong', { bold: true });
  return [left, ruleOf(rule, width - lineWidth([left]) - lineWidth(right), focused), ...right];
}
