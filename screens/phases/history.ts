/** What happened to the selected phase, newest first. */
import { answerTo, JOURNAL } from '../../src/console/answers.ts';
import { selectedPhase } from '../../src/console/selectors.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAgo } from '../../src/format/age.ts';
import { type Line, span } from '../../src/format/lines.ts';
import { readAge } from '../components/age.ts';
import type { PaneContent } from '../components/pane.tsx';
import { hanging } from '../components/words.ts';

/** Notes on the phase and the journal's lines about it, newest first; of the newest alone until the journal was read. */
export function phaseHistory(state: ConsoleState, width: number): PaneContent {
  const phase = selectedPhase(state);
  const title = phase ? `History of ${phase.phase}` : 'History';
  const { at } = state.snapshot;
  const answer = answerTo(state, 'events', JOURNAL);
  const journal = answer.value ?? state.snapshot.journal;
  const notes = (phase?.notes ?? []).map((one) => ({ at: one.at, what: 'note', detail: one.note, who: one.who }));
  const changes = phase ? journal.filter((entry) => entry.subject === phase.phase) : [];
  const entries = [...changes, ...notes].sort((a, b) => b.at - a.at);
  const lines = entries.flatMap((entry): Line[] =>
    hanging(
      [span(formatAgo(at - entry.at).padEnd(11), 'muted')],
      [entry.what, entry.detail, entry.who ?? ''].filter(Boolean).join(' · '),
      width,
      'plain',
    ),
  );
  return {
    title,
    note: readAge(state, answer),
    lines: lines.length > 0 ? lines : hanging([], 'No change is on record; i writes a note.', width, 'muted'),
  };
}
