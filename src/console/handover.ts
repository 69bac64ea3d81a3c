/** What an operator who comes back is told first. */
import { formatAgo } from '../format/age.ts';
import { type Line, span } from '../format/lines.ts';
import { CHECK_SIGNS, JOB_SIGNS, type StateSign } from '../format/states.ts';
import type { Handover, JournalEntry } from '../supervisor/protocol.ts';

const SIGNS: Readonly<Record<string, StateSign>> = { ...CHECK_SIGNS, ...JOB_SIGNS };
/** Bad news first; of equal ones jobs before the rest. */
const TONES = ['bad', 'warn', 'good', 'info', 'muted'];

/** `since you left 3 h ago: 0140-backfill ✗ FAIL · P1 ✓ OK`: the last that is known of each subject. */
export function handoverLine({ since, entries }: Handover, at: number): Line {
  const last = new Map(entries.filter(({ kind }) => kind !== 'action').map((entry) => [entry.subject, entry]));
  const news = [...last.values()].toSorted(
    (a, b) => rank(a) - rank(b) || Number(b.kind === 'job') - Number(a.kind === 'job'),
  );
  return [
    span(`since you left ${formatAgo(at - since)}: `, 'info'),
    ...news.flatMap((entry, i) => [i > 0 ? ' · ' : '', `${entry.subject} `, stateOf(entry)]),
  ];
}

const rank = ({ what }: JournalEntry) => {
  const at = TONES.indexOf(SIGNS[what]?.tone ?? 'muted');
  return at < 0 ? TONES.length : at;
};

function stateOf({ what }: JournalEntry) {
  const sign = SIGNS[what];
  return sign ? span(`${sign.symbol} ${sign.word}`, sign.tone) : what;
}
