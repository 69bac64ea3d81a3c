/** Rows of the screen, each one cut, coloured and finished before Ink sees it. */
import { Box, Transform } from 'ink';
import { memo } from 'react';
import { type Line, renderLine } from '../../src/format/lines.ts';
import { useConsole } from './context.ts';

/**
 * One finished row. Ink lays out a single dot, which the transform replaces by the row when the frame is composed: the row
 * has its exact width already, and measuring it again in Ink, cluster by cluster, costs more than all the rest of a frame.
 */
const Row = memo(({ text }: { readonly text: string }) => <Transform transform={() => text}>.</Transform>);

export interface RowsProps {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly Line[];
}

/** A block of rows at a fixed place; missing rows are blank, so that whatever lies under it is covered. */
export function Rows({ left, top, width, height, lines }: RowsProps) {
  const { style } = useConsole();
  if (width <= 0 || height <= 0) return null;
  return (
    <Box position="absolute" left={left} top={top} width={width} height={height} flexDirection="column">
      {Array.from({ length: height }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row of the screen is its own identity
        <Row key={row} text={renderLine(lines[row] ?? [], width, style)} />
      ))}
    </Box>
  );
}
