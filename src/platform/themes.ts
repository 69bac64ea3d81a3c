/** Names of the console's colours, in a file of their own: the console needs them before any schema is loaded. */

/** `auto` goes by the terminal's background, where the terminal tells it. */
export const THEMES = ['auto', 'dark', 'light', 'high-contrast', 'mono'] as const;
export type ThemeSetting = (typeof THEMES)[number];
