/** The glance in one line: what matters least gives way until it fits; pure. */
import { formatElapsed } from '../format/age.ts';
import { formatBytes, formatPercent } from '../format/numbers.ts';
import { CHECK_SIGNS } from '../format/states.ts';
import { CUT, cellWidth, cutToWidth } from '../format/width.ts';
import type { CheckState } from '../phases/types.ts';
import type { MachineSample } from '../telemetry/types.ts';

export interface LineFacts {
  readonly demo: boolean;
  readonly phases: readonly { readonly phase: string; readonly state: CheckState }[];
  readonly running: number;
  readonly failed: number;
  /** The newest running job that tells its progress. */
  readonly job: { readonly program: string; readonly share: number; readonly leftMs: number | null } | null;
  readonly machine: Pick<MachineSample, 'cpu' | 'gpus' | 'disk'>;
}

/** Ways to say something, the longest first; each with the rank at which it gives way to the next: the highest first. */
type Part = readonly { readonly text: string; readonly rank: number }[];

const SEPARATOR = ' | ';
/** A disk with less free than this is news. */
const LITTLE_FREE = 0.1;

/** One line of at most `width` cells, in ASCII on demand. `spell` makes any text plain. */
export function statusLine(
  facts: LineFacts,
  width: number,
  style: { readonly ascii: boolean; readonly spell: (text: string) => string },
): string {
  const parts = partsOf(facts, style.ascii).map((part) =>
    part.map(({ text, rank }) => ({ text: style.spell(text), rank })),
  );
  const at = parts.map(() => 0);
  const texts = () => parts.map((part, i) => part[at[i]]?.text ?? '').filter(Boolean);
  while (cellWidth(texts().join(SEPARATOR)) > width) {
    const open = parts.map((part, i) => part[at[i]]?.rank ?? Number.NEGATIVE_INFINITY);
    const worst = open.indexOf(Math.max(...open));
    // The last way to say the most important thing is only cut.
    if (!Number.isFinite(open[worst]) || (texts().length === 1 && at[worst] === parts[worst].length - 1)) break;
    at[worst]++;
  }
  return cutToWidth(texts().join(SEPARATOR), width, style.ascii ? '>' : CUT);
}

function partsOf({ demo, phases, running, failed, job, machine }: LineFacts, ascii: boolean): Part[] {
  const grouped = groupPhases(phases);
  const name = ({ first, last, state }: (typeof grouped)[number]) => {
    const sign = CHECK_SIGNS[state];
    return `${first}${last === first ? '' : `-${last.replace(/^\D+/, '')}`} ${ascii ? sign.ascii : sign.symbol}${sign.word}`;
  };
  const all = phases.map(({ phase, state }) => name({ first: phase, last: phase, state }));
  const groups = grouped.map(name);
  const open = grouped.filter((group) => group.state !== 'OK').map(name);
  const left = job?.leftMs == null ? '' : ` ${formatElapsed(job.leftMs)} left`;
  const { freeBytes, totalBytes } = machine.disk;
  const little = freeBytes !== null && totalBytes !== null && freeBytes < LITTLE_FREE * totalBytes;
  const [gpu] = machine.gpus;
  return [
    demo ? [{ text: 'DEMO', rank: 1 }] : [],
    [
      { text: all.join(' '), rank: 9 },
      { text: groups.join(' '), rank: 5 },
      { text: open.length ? open.join(' ') : groups.join(' '), rank: 3 },
      { text: open[0] ?? groups[0] ?? '', rank: 0 },
    ],
    [
      { text: `${running} running, ${failed} failed`, rank: 8 },
      { text: `${running} run ${failed} fail`, rank: failed > 0 ? 2 : 4 },
    ],
    job
      ? [
          { text: `${job.program} ${formatPercent(job.share, 0)}${left}`, rank: 8.5 },
          { text: `${formatPercent(job.share, 0)}${left}`, rank: 4.5 },
        ]
      : [],
    [{ text: `CPU ${formatPercent(machine.cpu.busy, 0)}`, rank: 7 }],
    gpu ? [{ text: `GPU ${formatPercent(gpu.utilisation, 0)}`, rank: 6 }] : [],
    [{ text: `${formatBytes(freeBytes)} free`, rank: little ? 2.5 : 10 }],
  ];
}

/** Neighbours in the same state together: `P3-5`. */
function groupPhases(phases: LineFacts['phases']): { first: string; last: string; state: CheckState }[] {
  const groups: { first: string; last: string; state: CheckState }[] = [];
  for (const { phase, state } of phases) {
    const group = groups.at(-1);
    if (group?.state === state) group.last = phase;
    else groups.push({ first: phase, last: phase, state });
  }
  return groups;
}
