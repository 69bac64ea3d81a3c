/** Trading days that steps of Phase 4 cannot do without: the programs refuse fewer, and the board tells it before the chain begins. */

/** Days with vectors of the market on which regimes are fitted: fewer hold no four regimes. */
export const LEAST_REGIME_DAYS = 252;

/**
 * Days of a head's training: 126 that are learnt from first, 44 that it is judged by (twice the horizon of 21, and two), and the
 * last 21, whose returns end after them.
 */
export const LEAST_HEAD_DAYS = 191;
