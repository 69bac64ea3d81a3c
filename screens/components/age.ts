/** How old what was asked for is. */
import type { Answer } from '../../src/console/answers.ts';
import type { ConsoleState } from '../../src/console/store.ts';
import { formatAgo } from '../../src/format/age.ts';
import { type Line, span } from '../../src/format/lines.ts';

/** `read 30 s ago`; `~ STALE read 4 m ago` when it could not be read since; nothing before it was read. */
export function readAge({ snapshot }: ConsoleState, { at, problem }: Answer): Line {
  if (at === null) return [];
  const age = `read ${formatAgo(snapshot.at - at)}`;
  return [problem === null ? span(age, 'muted') : span(`~ STALE ${age}`, 'warn')];
}

/** Words for the right end of a title, then how old what was asked for is. */
export function agedNote(state: ConsoleState, answer: Answer, words = ''): Line {
  const age = readAge(state, answer);
  return words === '' ? age : [span(age.length > 0 ? `${words} · ` : words, 'muted'), ...age];
}

/** `sampled 2 s ago`: how old the figures of the machine are. */
export function sampleAge({ snapshot: { at, machine } }: ConsoleState): Line {
  return machine ? [span(`sampled ${formatAgo(at - machine.at)}`, 'muted')] : [];
}
