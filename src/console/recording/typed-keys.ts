/**
 * Keys as a recording may hold them. What is typed into a field of a password, or at a place of a line where one may stand,
 * becomes as many marks: the recording shows the same lines at the same lengths, and the words stand nowhere in it.
 */
import { mayBeSecret, namesSecret } from '../../platform/secrets.ts';
import { typedLine } from '../controller.ts';
import { focusedField } from '../form/model.ts';
import type { KeyEvent } from '../key-parser.ts';
import { findAction } from '../keys.ts';
import { editLine, insertText, splitAtCursor } from '../line-editor.ts';
import type { ConsoleState } from '../store.ts';

const MARK = '•';

/** What a recording takes down of an event. `state`: as it is before the event does anything. */
export function recordedKeys(state: ConsoleState, event: KeyEvent): readonly KeyEvent[] {
  if (event.type === 'mouse' || (event.type === 'key' && findAction(state, event.id))) return [event];
  const line = typedLine(state);
  const edited = line && (event.type === 'paste' ? insertText(line, event.text) : editLine(line, event.id));
  if (!edited || edited.text === line.text) return [event];
  const [before, after] = splitAtCursor(line);
  const typed = splitAtCursor(edited)[0].slice(before.length);
  const { overlay } = state;
  const field = overlay?.kind === 'form' ? focusedField(overlay) : null;
  if (!(field && namesSecret(field.name)) && !mayBeSecret(before, typed, after)) return [event];
  const moved = edited.at - line.at;
  if (event.type === 'paste') return [{ type: 'paste', text: MARK.repeat(moved) }];
  // An accent that joins the letter before it makes the line no longer.
  if (edited.text.length > line.text.length) return Array.from({ length: moved }, () => ({ type: 'key', id: MARK }));
  // Marks have no words: ^w takes as many of them as it took letters. Other keys that delete do so by count already.
  return event.id === 'ctrl+w' ? Array.from({ length: -moved }, () => ({ type: 'key', id: 'backspace' })) : [event];
}
