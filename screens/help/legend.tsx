/** The state vocabulary as a table. It never changes: ink-table lays it out once. */
import { renderToString, Text } from 'ink';
import { Table } from 'ink-table';
import type { ReactNode } from 'react';
import { toAscii } from '../../src/format/ascii.ts';
import { Rows } from '../components/rows.tsx';
import type { Drawing } from '../components/signs.ts';
import { CHECK_MEANINGS, type Meaning } from './meanings.ts';

export interface LegendProps {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly drawing: Drawing;
}

/** Drawn beside the keys where there is room for it. */
export default function Legend({ left, top, width, drawing }: LegendProps) {
  const lines = drawing.ascii ? ASCII : UNICODE;
  return <Rows left={left} top={top} width={width} height={lines.length} lines={lines} />;
}

function tableRows(drawing: Drawing, columns: number): readonly (readonly [string])[] {
  const rows = CHECK_MEANINGS.map((one) => ({ state: signOf(one, drawing), 'of a phase or check': one.meaning }));
  const plain = ({ children }: { readonly children?: ReactNode }) => (
    <Text>{drawing.ascii ? toAscii(String(children ?? '')) : children}</Text>
  );
  const table = renderToString(<Table data={rows} header={plain} cell={plain} skeleton={plain} />, { columns });
  return table.split('\n').map((row) => [row]);
}

const signOf = ({ sign }: Meaning, { ascii }: Drawing): string => `${ascii ? sign.ascii : sign.symbol} ${sign.word}`;

// Ink lays nothing out while it draws a screen: both are made when this is loaded.
const WIDTH = 80;
const [UNICODE, ASCII] = [false, true].map((ascii) => tableRows({ ascii }, WIDTH));
