/** The state vocabulary: every state is a sign and a word; colour is a third, optional channel. */

/** What a figure means for the operator. The console's themes turn tones into colours. */
export type Tone = 'plain' | 'muted' | 'good' | 'warn' | 'bad' | 'info' | 'accent' | 'strong' | 'demo';

export interface StateSign {
  readonly symbol: string;
  /** The sign for terminals without Unicode; no two states of a vocabulary share one. */
  readonly ascii: string;
  readonly word: string;
  readonly tone: Tone;
}

const sign = (symbol: string, ascii: string, word: string, tone: Tone): StateSign => ({ symbol, ascii, word, tone });

/** States of phases and checks. */
export const CHECK_SIGNS = {
  OK: sign('✓', '+', 'OK', 'good'),
  PART: sign('◐', '%', 'PART', 'warn'),
  FAIL: sign('✗', 'x', 'FAIL', 'bad'),
  // A consequence of something else: the eye should fall on the cause.
  BLKD: sign('✗', 'X', 'BLKD', 'warn'),
  WAIT: sign('·', '.', 'WAIT', 'muted'),
  RUN: sign('▶', '>', 'RUN', 'info'),
  STALE: sign('~', '~', 'STALE', 'warn'),
  UNKN: sign('?', '?', 'UNKN', 'warn'),
  SKIP: sign('–', '-', 'SKIP', 'muted'),
} as const satisfies Record<string, StateSign>;

/** States of jobs. */
export const JOB_SIGNS = {
  QUEUE: sign('…', ':', 'QUEUE', 'muted'),
  RUN: sign('▶', '>', 'RUN', 'info'),
  DONE: sign('✓', '+', 'DONE', 'good'),
  PART: sign('◐', '%', 'PART', 'warn'),
  FAIL: sign('✗', 'x', 'FAIL', 'bad'),
  STOP: sign('■', '#', 'STOP', 'warn'),
  LOST: sign('☠', '!', 'LOST', 'bad'),
} as const satisfies Record<string, StateSign>;
