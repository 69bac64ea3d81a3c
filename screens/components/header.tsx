/** The first row: what this is, whether it is the demo, how the databases and the jobs are, and the time of the data. */
import { useEffect } from 'react';
import type { Limits } from '../../src/console/action.ts';
import { SCREENS } from '../../src/console/screens.ts';
import { runningJobs } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatClock, formatMinute } from '../../src/format/age.ts';
import {
  type Line,
  lineText,
  lineWidth,
  type Packed,
  packUnmarked,
  span,
  spellLine,
  spread,
} from '../../src/format/lines.ts';
import { cellWidth, cutStartToWidth } from '../../src/format/width.ts';
import { useConsole, useConsoleState } from './context.ts';
import { Rows } from './rows.tsx';
import type { Drawing } from './signs.ts';

export function Header() {
  const { style, limits } = useConsole();
  const state = useConsoleState();
  const { columns } = state.size;
  const line = headerLine(state, columns, style);
  useEffect(() => {
    limits.tabs = tabPlaces(lineText(line));
  }, [limits, line]);
  return <Rows left={0} top={0} width={columns} height={1} lines={[line]} />;
}

/** The header for a width. The DEMO tag never leaves: nobody may take a made-up market for a real one. */
function headerLine(state: ConsoleState, width: number, drawing: Drawing): Line {
  const { snapshot } = state;
  const demo: Line = [
    ...(snapshot.demo ? [span(' DEMO ', 'demo'), ' '] : []),
    ...(state.readOnly ? [span('READ-ONLY', 'warn'), ' '] : []),
  ];
  // Where the tabs need its place they say as well what this is.
  const named = width >= 120 || width < 80;
  const left: Line = spellLine(
    width >= 60
      ? [span(' ◆ ', 'accent'), ...(named ? [span('prometheus', 'strong'), ' '] : []), ...demo, ...tabs(state, width)]
      : [...demo, span('prometheus', 'strong')],
    drawing,
  );
  const room = width - lineWidth(left) - 2;
  if (room < 8) return left;
  const running = runningJobs(state).length;
  const home = cutStartToWidth(snapshot.home, 48);
  // What is left out here is said on the screens: the frame bears no mark at all times.
  const { line: right } = packUnmarked(
    [
      { line: [span(home, 'muted')], rank: 5 },
      ...databases(state, width, drawing),
      {
        line: [
          state.connected
            ? span(
                running === 0 ? 'no job runs' : `${running} ${running === 1 ? 'job runs' : 'jobs run'}`,
                running > 0 ? 'info' : 'muted',
              )
            : span('jobs ? unknown', 'warn'),
        ],
        rank: 4,
      },
      { line: clock(state), rank: 1 },
    ].map((piece) => ({ ...piece, line: spellLine(piece.line, drawing) })),
    room,
    width >= 120 ? 3 : 2,
  );
  return spread(left, right, width);
}

/** The screens with their keys, the open one marked; only that one where there is no room for all. */
function tabs({ screen }: ConsoleState, width: number): Line {
  if (width < 80) return [];
  const wide = width >= 160;
  const gap = wide ? '  ' : ' ';
  return SCREENS.flatMap(({ id, key, title, short }, i): Line => {
    const text = wide ? `${key} ${title}` : `${key}${short}`;
    return [i > 0 ? gap : '', id === screen ? span(`[${text}]`, 'accent') : span(text, 'muted')];
  });
}

/** Where the names of the screens stand in the header. */
function tabPlaces(header: string): Limits['tabs'] {
  return SCREENS.flatMap(({ id, key, title, short }) => {
    const text = [`${key} ${title}`, `${key}${short}`].find((one) => header.includes(one));
    return text ? [{ screen: id, left: cellWidth(header.slice(0, header.indexOf(text))), width: text.length }] : [];
  });
}

/** Both databases; in a narrow terminal one word while both are alike: neither may hide behind the other. */
function databases({ snapshot }: ConsoleState, width: number, drawing: Drawing): Packed[] {
  const { historical, runtime } = snapshot.databases;
  if (width < 120 && historical.up === runtime.up) return [{ line: database('dbs', historical.up, drawing), rank: 2 }];
  const [first, second] = width >= 120 ? ['historical', 'runtime'] : ['hist', 'rt'];
  // What is not up leaves last.
  return [
    { line: database(first, historical.up, drawing), rank: historical.up && !runtime.up ? 3 : 2 },
    { line: database(second, runtime.up, drawing), rank: runtime.up ? 3 : 2 },
  ];
}

function database(label: string, up: boolean | null, { ascii }: Drawing): Line {
  if (up === null) return [`${label} `, span('? unknown', 'warn')];
  return up
    ? [`${label} `, span(ascii ? '+ up' : '✓ up', 'good')]
    : [`${label} `, span(ascii ? 'x DOWN' : '✗ DOWN', 'bad')];
}

/** The time of the data, not of the wall: it stands still when news stops. While no job runs it goes by minutes. */
function clock(state: ConsoleState): Line {
  const { snapshot, silentMs } = state;
  if (snapshot.sequence < 0) return [span('? no data yet', 'warn')];
  if (silentMs > 0) return [span(`~ STALE ${formatClock(snapshot.at)}`, 'warn')];
  return [`${(runningJobs(state).length > 0 ? formatClock : formatMinute)(snapshot.at)} UTC`];
}
