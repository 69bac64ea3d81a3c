/** What happened, newest first: jobs, phases, databases, the supervisor, and what operators did. */
import { answerTo, JOURNAL } from '../../src/console/answers.ts';
import { rowCount, selectedIndex, selectedRow, visibleRows } from '../../src/console/lists.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAgo, formatInstant } from '../../src/format/age.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { formatCount } from '../../src/format/numbers.ts';
import { CHECK_SIGNS, JOB_SIGNS, type Tone } from '../../src/format/states.ts';
import { type Column, layTable } from '../../src/format/table.ts';
import type { JournalEntry } from '../../src/supervisor/protocol.ts';
import { agedNote } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { cursor, type Drawing, unknown } from '../components/signs.ts';
import { hanging } from '../components/words.ts';

/** The list. */
export function eventTable(state: ConsoleState, width: number, drawing: Drawing): PaneContent {
  const answer = answerTo(state, 'events', JOURNAL);
  const { value, problem } = answer;
  const title = 'Events';
  if (value === null) return { title, lines: [problem ? unknown(problem) : [span('reading the journal …', 'muted')]] };
  const rows = visibleRows(state, 'events');
  if (rows.length === 0) {
    const text =
      rowCount(state, 'events') > 0 ? 'No event matches the filter.' : 'Nothing has happened in this home yet.';
    return { title, lines: [[span(text, 'muted')]] };
  }
  const selected = selectedRow(state, 'events');
  const columns: Column<JournalEntry>[] = [
    {
      title: '  when (UTC)',
      cell: (entry) => [
        cursor(entry === selected),
        span(formatInstant(entry.at), entry === selected ? 'strong' : 'plain'),
      ],
    },
    { title: '', drop: 3, align: 'right', cell: (entry) => [span(formatAgo(state.snapshot.at - entry.at), 'muted')] },
    { title: 'kind', drop: 2, cell: (entry) => [span(entry.kind, 'muted')] },
    { title: 'about', max: 34, cell: (entry) => [entry.subject] },
    { title: 'what', max: 18, cell: (entry) => [span(entry.what, toneOf(entry))] },
    {
      title: 'detail',
      grow: true,
      min: 12,
      drop: 1,
      cell: (entry) => [[entry.detail, entry.who ?? ''].filter(Boolean).join(' · ')],
    },
  ];
  const table = layTable(columns, rows, width, drawing);
  return {
    title,
    note: agedNote(state, answer, `${formatCount(rows.length)} entries`),
    header: table.header,
    lines: table.rows,
    selectedRow: selectedIndex(state, 'events'),
  };
}

/** The tone of the state that an entry names; its word stands there, too. */
function toneOf({ kind, what }: JournalEntry): Tone {
  if (kind === 'job' && what in JOB_SIGNS) return JOB_SIGNS[what as keyof typeof JOB_SIGNS].tone;
  if (kind === 'evidence' && what in CHECK_SIGNS) return CHECK_SIGNS[what as keyof typeof CHECK_SIGNS].tone;
  return what === 'down' || what.endsWith('refused') ? 'bad' : 'plain';
}

/** The selected entry, whole. */
export function eventDetail(state: ConsoleState, width: number): PaneContent {
  const entry = selectedRow(state, 'events');
  if (!entry) return { title: 'Event', lines: [[span('No event is selected.', 'muted')]] };
  const field = (name: string, text: string): Line[] =>
    text === '' ? [] : hanging([span(name.padEnd(11), 'muted')], text, width, 'plain');
  return {
    title: 'Event',
    note: [span(formatInstant(entry.at), 'muted')],
    lines: [
      ...field(entry.kind, `${entry.subject} ${entry.what}`),
      ...field('detail', entry.detail),
      ...field('who', entry.who ? `${entry.who} (as the client told it)` : ''),
    ],
  };
}
