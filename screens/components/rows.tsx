/** Rows of the screen, cut, coloured and finished. */
import { useId, useLayoutEffect } from 'react';
import { type Line, renderLine } from '../../src/format/lines.ts';
import { useConsole } from './context.ts';

export interface RowsProps {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly Line[];
  /** Lies over the rows of the screen. */
  readonly over?: boolean;
}

/**
 * A block of rows at a fixed place; missing rows are blank, so that whatever lies under it is covered. It goes to the canvas and
 * not through Ink's layout: the rows have their exact width and place already, and finding those again cell by cell, for the
 * whole screen whenever anything changes, costs Ink several times what all the rest of a frame does.
 */
export function Rows({ left, top, width, height, lines, over = false }: RowsProps) {
  const { style, canvas } = useConsole();
  const id = useId();
  useLayoutEffect(() => {
    const rows = Array.from({ length: Math.max(0, height) }, (_, row) => renderLine(lines[row] ?? [], width, style));
    canvas.put(id, { left, top, width: Math.max(0, width), rows, over });
  }, [canvas, id, left, top, width, height, lines, over, style]);
  useLayoutEffect(() => () => canvas.remove(id), [canvas, id]);
  return null;
}
