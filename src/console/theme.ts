/**
 * Tones to colours, and what the terminal at hand can show. Without a theme the colours are the 16 of the terminal's own
 * palette. Themes take theirs from the fixed part of the 256 colours, so that their contrast can be computed.
 */
import { isAsciiTerminal } from '../format/ascii.ts';
import type { Span, Style } from '../format/lines.ts';
import type { Tone } from '../format/states.ts';
import type { ThemeSetting } from '../platform/themes.ts';

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
  return { colour: !env.NO_COLOR, ascii: ascii ?? isAsciiTerminal(env) };
}

export type ThemeName = Exclude<ThemeSetting, 'auto'>;

/** How a tone is drawn: indexes among the 256 colours (16 … 255: those before are the terminal's own), and weight. */
export interface Paint {
  readonly fg?: number;
  readonly bg?: number;
  readonly bold?: boolean;
}

/** A theme that paints: `backgrounds` are those that it is made for, or its own. As `#rrggbb`. */
interface Theme {
  readonly backgrounds: readonly string[];
  readonly tones: Readonly<Record<Tone, Paint>>;
}

/** The usual dark and light backgrounds of terminals, Solarized among them. */
const DARK = ['#000000', '#1e1e1e', '#282c34', '#002b36'];
const LIGHT = ['#ffffff', '#fdf6e3', '#eeeeee'];
const BLACK = 16;
const WHITE = 231;

const onBlack = (fg: number, bold = false): Paint => ({ fg, bg: BLACK, bold });

/** Themes with colours of their own. */
export const PAINTED: Readonly<Record<Exclude<ThemeName, 'mono'>, Theme>> = {
  dark: {
    backgrounds: DARK,
    tones: {
      plain: {},
      muted: { fg: 248 },
      good: { fg: 114 },
      warn: { fg: 221 },
      bad: { fg: 210, bold: true },
      info: { fg: 80 },
      accent: { fg: 117 },
      strong: { bold: true },
      demo: { fg: WHITE, bg: 90, bold: true },
    },
  },
  light: {
    backgrounds: LIGHT,
    tones: {
      plain: {},
      muted: { fg: 240 },
      good: { fg: 22 },
      warn: { fg: 94 },
      bad: { fg: 124, bold: true },
      info: { fg: 24 },
      accent: { fg: 25 },
      strong: { bold: true },
      demo: { fg: WHITE, bg: 90, bold: true },
    },
  },
  'high-contrast': {
    backgrounds: ['#000000'],
    tones: {
      plain: onBlack(WHITE),
      muted: onBlack(252),
      good: onBlack(120),
      warn: onBlack(227),
      bad: onBlack(217, true),
      info: onBlack(123),
      accent: onBlack(159),
      strong: onBlack(WHITE, true),
      demo: { fg: BLACK, bg: 213, bold: true },
    },
  },
};

/** What lies before and behind text without colours of its own in a picture of each theme. */
export const PICTURE_COLOURS: Readonly<
  Record<ThemeName, { readonly foreground: string; readonly background: string }>
> = {
  dark: { foreground: '#d4d4d4', background: '#1e1e1e' },
  light: { foreground: '#1f2328', background: '#ffffff' },
  'high-contrast': { foreground: '#ffffff', background: '#000000' },
  mono: { foreground: '#e5e5e5', background: '#000000' },
};

const BOLD = ['\x1b[1m', '\x1b[22m'] as const;
const INVERSE = ['\x1b[7m', '\x1b[27m'] as const;
const colour = (code: number) => [`\x1b[${code}m`, '\x1b[39m'] as const;

type Marks = readonly [open: string, close: string];

/** Start and end sequence of each tone in the terminal's palette. Dim, unlike grey, is readable on every palette. */
const COLOURS: Readonly<Record<Tone, Marks>> = {
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
const MONO: Readonly<Record<Tone, Marks>> = {
  ...{ plain: ['', ''], muted: ['', ''], good: ['', ''], warn: ['', ''], info: ['', ''] },
  bad: BOLD,
  strong: BOLD,
  accent: BOLD,
  demo: ['\x1b[1m\x1b[7m', '\x1b[27m\x1b[22m'],
};

function marksOf({ fg, bg, bold }: Paint): Marks {
  const parts: Marks[] = [
    ...(bold ? [BOLD] : []),
    ...(fg === undefined ? [] : [[`\x1b[38;5;${fg}m`, '\x1b[39m'] as const]),
    ...(bg === undefined ? [] : [[`\x1b[48;5;${bg}m`, '\x1b[49m'] as const]),
  ];
  return [
    parts.map(([open]) => open).join(''),
    parts
      .map(([, close]) => close)
      .toReversed()
      .join(''),
  ];
}

function styleOf(marks: Readonly<Record<Tone, Marks>>, ascii: boolean): Style {
  const wrap = ({ tone = 'plain', bold, inverse }: Span): Marks => {
    let [open, close] = marks[tone];
    if (bold && !open.includes(BOLD[0])) [open, close] = [BOLD[0] + open, close + BOLD[1]];
    if (inverse) [open, close] = [INVERSE[0] + open, close + INVERSE[1]];
    return [open, close];
  };
  return { ascii, wrap };
}

/** The style that turns rows into strings for a terminal, in its own palette. */
export const makeStyle = ({ colour: coloured, ascii }: Capabilities): Style =>
  styleOf(coloured ? COLOURS : MONO, ascii);

/** The same in the colours of a theme. */
export function themedStyle(name: ThemeName, { ascii }: Pick<Style, 'ascii'>): Style {
  if (name === 'mono') return styleOf(MONO, ascii);
  const tones = Object.entries(PAINTED[name].tones) as [Tone, Paint][];
  return styleOf(
    Object.fromEntries(tones.map(([tone, paint]) => [tone, marksOf(paint)])) as Record<Tone, Marks>,
    ascii,
  );
}

/** OSC 11: what colour is behind the text? */
export const ASK_BACKGROUND = '\x1b]11;?\x1b\\';

/** The theme for a background as a terminal tells it (`11;rgb:ffff/ffff/ffff`); null for any other answer. */
export function themeForBackground(reply: string): ThemeName | null {
  const match = /^11;rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})/i.exec(reply);
  if (!match) return null;
  const [r, g, b] = match.slice(1).map((hex) => Number.parseInt(hex, 16) / (16 ** hex.length - 1));
  return luminance([r, g, b]) > MIDDLE ? 'light' : 'dark';
}

/** As far from white as from black by the ratio of WCAG: √(0.05 · 1.05) − 0.05. */
const MIDDLE = 0.179;

type Rgb = readonly [red: number, green: number, blue: number];

/** Relative luminance (WCAG 2.2) of a colour with channels of 0 … 1. */
export function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
