/** How far keys move. */

/** Rows of a page. */
export const PAGE = 10;

export const clamp = (value: number, max: number): number => Math.max(0, Math.min(max, value));
