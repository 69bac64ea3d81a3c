/** Histories of the machine as they were answered. */
import { answerTo, MACHINE_HISTORY } from '../../src/console/answers.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { type Span, span } from '../../src/format/lines.ts';
import { type SparkOptions, sparkline } from '../../src/format/spark.ts';
import type { Drawing } from '../components/signs.ts';

/** A named history as a sparkline of `cells`, at its right end; blank while it is not known. */
export function historySpark(
  state: ConsoleState,
  name: string,
  cells: number,
  drawing: Drawing,
  bounds: Pick<SparkOptions, 'min' | 'max'> = {},
): Span {
  const { value } = answerTo(state, 'history', MACHINE_HISTORY);
  const points = value?.[name]?.fine ?? [];
  return span(sparkline(points.slice(-cells), cells, { ...bounds, ...drawing }).padStart(cells), 'info');
}
