/** The state vocabulary as a table. It never changes, so ink-table may lay it out. */
import { Box, Text } from 'ink';
import { Table } from 'ink-table';
import type { ReactNode } from 'react';
import { toAscii } from '../../src/format/ascii.ts';
import type { Drawing } from '../components/signs.ts';
import { CHECK_MEANINGS, type Meaning } from './meanings.ts';

export interface LegendProps {
  readonly left: number;
  readonly top: number;
  readonly drawing: Drawing;
}

/** Drawn beside the keys where there is room for it. */
export default function Legend({ left, top, drawing }: LegendProps) {
  const rows = CHECK_MEANINGS.map((one) => ({ state: signOf(one, drawing), 'of a phase or check': one.meaning }));
  const plain = ({ children }: { readonly children?: ReactNode }) => (
    <Text>{drawing.ascii ? toAscii(String(children ?? '')) : children}</Text>
  );
  return (
    <Box position="absolute" left={left} top={top}>
      <Table data={rows} header={plain} cell={plain} skeleton={plain} />
    </Box>
  );
}

const signOf = ({ sign }: Meaning, { ascii }: Drawing): string => `${ascii ? sign.ascii : sign.symbol} ${sign.word}`;
