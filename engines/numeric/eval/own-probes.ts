/** One probe of its own for each model that is not about instruments, against a baseline that knows nothing. */
import type { LoadedPanel } from '../../market/storage.ts';
import type { Blas } from '../../onnx/blas.ts';
import { DIM } from '../v2/graph.ts';
import type { GroupSeries } from '../v2/groups.model.ts';
import type { PortfolioInputs } from '../v2/portfolio.ts';
import type { ShockInputs } from '../v2/scenario.model.ts';
import { BUCKETS, SHOCK_DAYS } from '../v2/scenario.model.ts';
import { logVol } from '../v2/series.model.ts';
import { type Matrix, ridge, type Split } from './ridge.ts';
import { r2 } from './scores.model.ts';
import type { OpenModel } from './subjects.ts';
import { futureOf, HORIZON } from './targets.model.ts';

export interface OwnScore {
  readonly model: string;
  readonly probe: string;
  readonly score: number;
  readonly baseline: string;
  readonly baselineScore: number;
  /** Rows judged. */
  readonly rows: number;
}

/** Where the judged days begin, and the first day that counts (positions in the panel's calendar). */
export interface Span {
  readonly first: number;
  readonly split: number;
}

/** Every so many values of the shock grid are asked back: prime to the number of buckets, so that all buckets have their turn. */
const ASKED_STRIDE = 11;

/** Fewer rows on one side of the split say nothing. */
const LEAST_ROWS = 60;

/** The probe of a model, by its source; null when the database holds too little for it. */
export async function ownProbe(
  blas: Blas,
  panel: LoadedPanel,
  open: OpenModel,
  span: Span,
  signal: AbortSignal,
): Promise<OwnScore | null> {
  switch (open.model.manifest.encoder) {
    case 'group-window-v2':
      return volatilityProbe(blas, panel, open, span, signal, {
        level: groupLevels(panel, open.inputs as GroupSeries),
        what: 'R² of the log volatility of market and sectors, next 21 d',
      });
    case 'portfolio-day-v2':
      return volatilityProbe(blas, panel, open, span, signal, {
        level: (open.inputs as PortfolioInputs).equity,
        what: "R² of the log volatility of the portfolio's equity, next 21 d",
      });
    case 'shock-grid-v2':
      return reconstructionProbe(blas, panel, open, span, signal);
    default:
      return null;
  }
}

/** Indices of the groups from their returns, G × T. */
function groupLevels(panel: LoadedPanel, { ret, groups }: GroupSeries): Float64Array {
  const T = panel.calendar.days.length;
  const level = new Float64Array(ret.length).fill(Number.NaN);
  for (let g = 0; g < groups.length; g++) {
    let sum = 0;
    for (let at = g * T; at < (g + 1) * T; at++) {
      if (Number.isNaN(ret[at])) continue;
      sum += ret[at];
      level[at] = Math.exp(sum);
    }
  }
  return level;
}

/** R² of the coming volatility of each entity's level, against "as in the last 21 days". */
async function volatilityProbe(
  blas: Blas,
  panel: LoadedPanel,
  open: OpenModel,
  span: Span,
  signal: AbortSignal,
  { level, what }: { level: Float64Array; what: string },
): Promise<OwnScore | null> {
  const T = panel.calendar.days.length;
  const rows: { cell: number; truth: number; before: number }[] = [];
  for (let t = Math.max(span.first, HORIZON); t < T; t++) {
    for (let e = 0; e < open.due.entities.length; e++) {
      const cell = e * T + t;
      const future = open.due.due[cell] ? futureOf(level, t, e * T, T) : null;
      const before = past(level, cell);
      if (future && before !== null) rows.push({ cell, truth: future.logVol, before });
    }
  }
  const judged = await readVectors(open, rows, panel, span, signal);
  if (!judged) return null;
  const { x, split } = judged;
  const truth = Float64Array.from(rows, (row) => row.truth);
  const [predicted] = await ridge(blas, x, [truth], split);
  const wanted = Float64Array.from(split.test, (row) => truth[row]);
  const persisted = Float64Array.from(split.test, (row) => rows[row].before);
  return {
    model: open.model.manifest.model_id,
    probe: what,
    score: r2(wanted, predicted),
    baseline: 'persistence of the last 21 d',
    baselineScore: r2(wanted, persisted),
    rows: split.test.length,
  };
}

/** ln volatility of the last 21 days of a level; null where one of them is unknown. */
function past(level: Float64Array, cell: number): number | null {
  const returns = new Float64Array(HORIZON);
  for (let k = 0; k < HORIZON; k++) {
    returns[k] = Math.log(level[cell - k] / level[cell - k - 1]);
    if (!Number.isFinite(returns[k])) return null;
  }
  return logVol(returns, 0, HORIZON);
}

/** Share of the shocks of the window that the vector gives back, against the newest 384 of them kept as they are. */
async function reconstructionProbe(
  blas: Blas,
  panel: LoadedPanel,
  open: OpenModel,
  span: Span,
  signal: AbortSignal,
): Promise<OwnScore | null> {
  const T = panel.calendar.days.length;
  const { shocks } = open.inputs as ShockInputs;
  const rows: { cell: number }[] = [];
  for (let t = span.first; t < T; t++) if (open.due.due[t]) rows.push({ cell: t });
  const judged = await readVectors(open, rows, panel, span, signal);
  if (!judged) return null;
  // The newest day of all buckets first: a cut keeps whole days.
  const grid = Array.from({ length: BUCKETS.length * SHOCK_DAYS }, (_, k) => {
    const [b, back] = [k % BUCKETS.length, Math.floor(k / BUCKETS.length)];
    return Float64Array.from(rows, ({ cell }) => shocks[b * T + cell - back]);
  });
  const cut = new Float32Array(rows.length * DIM);
  rows.forEach((_, k) => {
    for (let d = 0; d < DIM; d++) cut[k * DIM + d] = grid[d][k];
  });
  const asked = grid.filter((_, k) => k % ASKED_STRIDE === 0);
  const givenBack = async (x: Matrix) => {
    const predicted = await ridge(blas, x, asked, judged.split);
    let [left, all] = [0, 0];
    asked.forEach((values, q) => {
      const truth = Float64Array.from(judged.split.test, (row) => values[row]);
      const mean = truth.reduce((sum, value) => sum + value, 0) / truth.length;
      truth.forEach((value, k) => {
        left += (value - predicted[q][k]) ** 2;
        all += (value - mean) ** 2;
      });
    });
    return 1 - left / all;
  };
  return {
    model: open.model.manifest.model_id,
    probe: 'share of the shocks of 63 days that a linear reader gets back',
    score: await givenBack(judged.x),
    baseline: 'the newest 384 of the 1,134 values',
    baselineScore: await givenBack({ data: cut, width: DIM }),
    rows: judged.split.test.length,
  };
}

/** Vectors of the rows, with the split and its purge; null when one side of it is too small. Rows must be in day order. */
async function readVectors(
  open: OpenModel,
  rows: readonly { cell: number }[],
  panel: LoadedPanel,
  span: Span,
  signal: AbortSignal,
): Promise<{ x: Matrix; split: Split } | null> {
  const T = panel.calendar.days.length;
  const cells = Int32Array.from(rows, ({ cell }) => cell);
  const { matrix, failed } = await open.vectors(cells, signal);
  const split = splitRows(cells, T, span.split, failed);
  return split.train.length < LEAST_ROWS || split.test.length < LEAST_ROWS ? null : { x: matrix, split };
}

/** Rows before the split whose futures end before it, and rows from it on. */
export function splitRows(cells: Int32Array, T: number, split: number, failed: ReadonlySet<number>): Split {
  const usable = Int32Array.from(cells.keys()).filter((row) => !failed.has(row));
  const dayOf = (row: number) => cells[row] % T;
  return {
    train: usable.filter((row) => dayOf(row) + HORIZON < split),
    test: usable.filter((row) => dayOf(row) >= split),
    dayOf,
    purge: HORIZON,
  };
}
