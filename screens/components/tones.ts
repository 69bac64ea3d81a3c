/** The tones of curves laid over each other, in their order. */
import type { Tone } from '../../src/format/states.ts';

export const CURVE_TONES: readonly Tone[] = ['info', 'warn', 'good', 'bad'];
