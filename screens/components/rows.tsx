/** Rows of the screen, cut, coloured and finished before Ink sees them. */
import { Box, Transform } from 'ink';
import { type Line, renderLine } from '../../src/format/lines.ts';
import { useConsole } from './context.ts';

export interface RowsProps {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly Line[];
}

/**
 * A block of rows at a fixed place; missing rows are blank, so that whatever lies under it is covered. Ink lays out one
 * text of a dot a row, and the transform puts the finished rows in their places when the frame is composed: they have
 * their exact width already, and measuring them again in Ink, cluster by cluster, costs more than all the rest of a frame.
 */
export function Rows({ left, top, width, height, lines }: RowsProps) {
  const { style } = useConsole();
  if (width <= 0 || height <= 0) return null;
  const rows = Array.from({ length: height }, (_, row) => renderLine(lines[row] ?? [], width, style));
  return (
    <Box position="absolute" left={left} top={top} width={width} height={height}>
      <Transform transform={(_, row) => rows[row] ?? ''}>
        {Array.from({ length: height }, () => '.').join('\n')}
      </Transform>
    </Box>
  );
}
