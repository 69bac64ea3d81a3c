/** The nearest vectors to one of an instrument and day. */
import { answerTo } from '../../src/console/answers.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { span } from '../../src/format/lines.ts';
import { formatCount, formatFixed } from '../../src/format/numbers.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { SimilarVectors } from '../../src/supervisor/reads.ts';
import { agedNote } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import type { Drawing } from '../components/signs.ts';
import { hanging } from '../components/words.ts';

/** The neighbours that were asked for by `:similar`. */
export function similarTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const query = state.similar;
  if (!query) {
    const text = 'Ask with :similar --model ID --instrument ID --as-of DATE. Vectors come with Phase 2.';
    return { title: 'Similar', lines: hanging([], text, width, 'muted') };
  }
  const { startDate, endDate } = query;
  const among = startDate && endDate ? ` among ${startDate} … ${endDate}` : '';
  const title = `Similar to ${query.instrument} on ${query.asOf}${among}`;
  const answer = answerTo(state, 'similar', query);
  const { value, problem } = answer;
  if (value === null) return { title, lines: hanging([], problem ?? 'comparing …', width, problem ? 'warn' : 'muted') };
  const columns: Column<SimilarVectors['neighbours'][number]>[] = [
    { title: (query.entityType ?? 'INSTRUMENT').toLowerCase(), grow: true, cell: (one) => [one.entityId] },
    { title: 'day', drop: 1, cell: (one) => [one.date] },
    { title: 'cosine', align: 'right', cell: (one) => [formatFixed(one.cosine, 4)] },
  ];
  const table = layTable(columns, value.neighbours, width, drawing);
  return {
    title,
    note: agedNote(state, answer, `${query.model} · of ${formatCount(value.candidates)}`),
    header: table.header,
    lines:
      table.rows.length > 0
        ? table.rows
        : [[span(among ? 'No other vector on those days.' : 'No other vector on that day.', 'muted')]],
  };
}
