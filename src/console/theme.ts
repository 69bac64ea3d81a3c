/** Tones to colours, and what the terminal at hand can show. Colours are the 16 of the terminal's own palette. */
import type { Span, Style } from '../format/lines.ts';
import type { Tone } from '../format/states.ts';

export interface Capabilities {
  readonly colour: boolean;
  readonly ascii: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * What the environment says about the terminal: `NO_COLOR` takes the colours away; a locale that is not UTF-8, and the
 * Linux console with its small font, take the signs away. `ascii` decides by hand.
 */
export function capabilities(env: Env, ascii?: boolean): Capabilities {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  const plainLocale = locale !== '' && !/utf-?8/i.test(locale);
  return { colour: !env.NO_COLOR, ascii: ascii ?? (plainLocale || env.TERM === 'linux') };
}

const BOLD = ['\x1b[1m', '\x1b[22m'] as const;
const INVERSE = ['\x1b[7m', '\x1b[27m'] as const;
const colour = (code: number) => [`\x1b[${code}m`, '\x1b[39m'] as const;

/** Start and end sequence of each tone. Dim, unlike grey, is readable on every palette. */
const COLOURS: Readonly<Record<Tone, readonly [string, string]>> = {
  plain: ['', ''],
  muted: ['\x1b[2m', '\x1b[22m'],
  good: colour(32),
  warn: colour(33),
  bad: ['\x1b[1m\x1b[91m', '\x1b[39m\x1b[22m'],
  info: colour(36),
  accent: colour(96),
  strong: BOLD,
  demo: ['\x1b[1m\x1b[97m\x1b[45m', '\x1b[49m\x1b[39m\x1b[22m'],
};

/** Without colour only weight is left; meaning never depends on it. */
const MONO: Partial<Record<Tone, readonly [string, string]>> = {
  bad: BOLD,
  strong: BOLD,
  accent: BOLD,
  demo: ['\x1b[1m\x1b[7m', '\x1b[27m\x1b[22m'],
};

/** The style that turns rows into strings for a terminal. */
export function makeStyle({ colour: coloured, ascii }: Capabilities): Style {
  const wrap = ({ tone = 'plain', bold, inverse }: Span): readonly [string, string] => {
    let [open, close] = (coloured ? COLOURS[tone] : MONO[tone]) ?? COLOURS.plain;
    if (bold && !open.includes(BOLD[0])) [open, close] = [BOLD[0] + open, close + BOLD[1]];
    if (inverse) [open, close] = [INVERSE[0] + open, close + INVERSE[1]];
    return [open, close];
  };
  return { ascii, wrap };
}
