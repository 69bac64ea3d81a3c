/** The tables of an evaluation. */
import type { Block, ReportDocument } from '../../../src/report/document.ts';
import type { InstrumentScores } from './instrument-probes.ts';
import type { OwnScore } from './own-probes.ts';

export interface Evaluation {
  readonly market: string;
  /** `YYYY-MM-DD` */
  readonly start: string;
  readonly split: string;
  readonly end: string;
  readonly instruments: number;
  readonly models: readonly { readonly id: string; readonly fitted: string }[];
  /** Rows of instruments learned from and judged, and the trading days between two looks. */
  readonly train: number;
  readonly test: number;
  /** Windows of instruments that were chosen and hold a price that no day can have. */
  readonly leftOut: number;
  readonly step: number;
  /** Subjects in order: baselines, then models. Empty when no model is about instruments. */
  readonly instrument: readonly { readonly subject: string; readonly scores: InstrumentScores }[];
  /** Share of the most frequent sector. */
  readonly sectorShare: number;
  readonly own: readonly OwnScore[];
}

/** A t below this is what chance gives to one of several tries. */
const CREDIBLE_T = 3;

/** @param command the command line that made the evaluation. */
export function evaluationReport(evaluation: Evaluation, command: string, demo: boolean): ReportDocument {
  const { market, start, split, end, instruments, train, test, leftOut, step } = evaluation;
  const blocks: Block[] = [
    { text: 'Made by', code: command },
    {
      text: `Market ${market}, ${instruments} instruments, ${start} … ${end}. Readers learn before ${split}, without the days whose future reaches over it (purge: 21 trading days), and are judged from ${split} on.`,
    },
    { columns: ['model', 'fitted on'], rows: evaluation.models.map(({ id, fitted }) => [id, fitted]) },
  ];
  if (evaluation.instrument.length) {
    blocks.push(
      { heading: 'Instruments' },
      {
        text: `${train} windows to learn from, ${test} judged, one day in ${step}${leftOut ? `; ${leftOut} left out for a price that no day can have` : ''}. Linear (ridge) readers; the 50 nearest by cosine. The most frequent sector has a share of ${figure(evaluation.sectorShare)}.`,
      },
      {
        columns: [
          'encoder',
          'R² of log vol next 21 d',
          'AUC of drawdown < −10 % next 21 d',
          'sector of unseen names',
          'kNN vol R²',
          'kNN vol ρ',
          'IC next 21 d',
          'Newey-West t',
        ],
        rows: evaluation.instrument.map(({ subject, scores }) => [
          subject,
          figure(scores.volR2),
          figure(scores.drawdownAuc),
          figure(scores.sector),
          figure(scores.neighbourR2),
          figure(scores.neighbourRho),
          figure(scores.ic),
          figure(scores.icT, 1),
        ]),
      },
      { text: returnsSentence(evaluation) },
    );
  }
  if (evaluation.own.length) {
    blocks.push(
      { heading: 'Probes of their own' },
      {
        columns: ['model', 'probe', 'score', 'baseline', 'its score', 'rows'],
        rows: evaluation.own.map((one) => [
          one.model,
          one.probe,
          figure(one.score),
          one.baseline,
          figure(one.baselineScore),
          String(one.rows),
        ]),
      },
    );
  }
  return { title: 'Numeric models, judged', demo, blocks };
}

/** What the information coefficients are worth, said plainly. */
export function returnsSentence({ instrument }: Pick<Evaluation, 'instrument'>): string {
  const judged = instrument.filter(({ scores }) => Number.isFinite(scores.icT));
  if (judged.length === 0) return 'Returns: too few days to judge; nothing is claimed.';
  const best = judged.reduce((a, b) => (Math.abs(b.scores.icT) > Math.abs(a.scores.icT) ? b : a));
  const largest = `the largest |t| of ${judged.length} variants is ${figure(Math.abs(best.scores.icT), 1)} (${best.subject})`;
  if (Math.abs(best.scores.icT) < CREDIBLE_T) {
    return `Returns: no information coefficient here deserves belief: ${largest}, below ${CREDIBLE_T}. These vectors describe risk; they do not forecast returns.`;
  }
  return `Returns: ${largest}. That is one span of one market without costs, and the best of several tries: no reason to trade on it before it holds on days and names that nobody has looked at.`;
}

const figure = (value: number, digits = 3): string =>
  Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–';
