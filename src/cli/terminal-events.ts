/** Program events for a person at a terminal: one progress bar on stderr, with rate and time left; plain lines without a terminal. */

import { formatCount, formatDuration } from '../format/numbers.ts';
import { cleanText } from '../format/width.ts';
import type { Events, ProgramEvent } from '../platform/events.ts';
import { harmlessLines } from './output.ts';

const BAR_CELLS = 24;
const REDRAW_MS = 100;

export function terminalEvents(
  stream: NodeJS.WriteStream,
  now: () => number,
  options: { demo?: boolean } = {},
): { events: Events; finish: (summary: string | null) => void } {
  const live = Boolean(stream.isTTY);
  const tag = options.demo ? 'DEMO ' : '';
  let stageName = '';
  let stageStart = now();
  let drawn = false;
  let lastDraw = 0;
  const bars = new Map<string, { done: number; total: number | null; unit: string }>();

  const clear = () => {
    if (drawn) stream.write('\r\x1b[2K');
    drawn = false;
  };
  const draw = () => {
    if (!live || bars.size === 0) return;
    lastDraw = now();
    stream.write(
      `\r\x1b[2K${tag}${cleanText(barLine(stageName, [...bars.values()], now() - stageStart, stream.columns ?? 80))}`,
    );
    drawn = true;
  };
  const line = (text: string) => {
    clear();
    stream.write(`${harmlessLines(text)}\n`);
  };

  const emit = (event: ProgramEvent) => {
    switch (event.type) {
      case 'stage':
        stageName = event.name;
        stageStart = now();
        bars.clear();
        if (!live) line(`${tag}${event.name}`);
        break;
      case 'progress':
        bars.set(event.label ?? '', { done: event.done, total: event.total, unit: event.unit });
        if (now() - lastDraw >= REDRAW_MS) draw();
        break;
      case 'log':
        if (event.level !== 'debug') line(`${tag}${event.level === 'info' ? '' : `${event.level}: `}${event.message}`);
        draw();
        break;
      case 'artifact':
        if (event.path) line(`${tag}wrote ${event.path}`);
        break;
      case 'paused':
        line(`${tag}${event.reason === null ? 'goes on' : `paused ${event.reason}`}`);
        break;
      default:
        break;
    }
  };
  return {
    events: { emit },
    finish: (summary) => {
      clear();
      if (summary) stream.write(`${tag}${summary}\n`);
    },
  };
}

function barLine(
  name: string,
  bars: { done: number; total: number | null; unit: string }[],
  elapsedMs: number,
  columns: number,
): string {
  const done = bars.reduce((sum, b) => sum + b.done, 0);
  const total = bars.some((b) => b.total === null) ? null : bars.reduce((sum, b) => sum + (b.total ?? 0), 0);
  const rate = elapsedMs > 500 ? (done / elapsedMs) * 1000 : null;
  const rateText = rate === null ? '' : ` · ${formatCount(rate)} ${bars[0].unit}/s`;
  const share = total ? Math.min(1, done / total) : 0;
  const filled = Math.round(share * BAR_CELLS);
  const bar =
    total === null
      ? ''
      : ` [${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}] ${(share * 100).toFixed(0).padStart(3)} %`;
  const left = rate && total !== null && done > 0 ? ` · ${formatDuration((total - done) / rate)} left` : '';
  return `${name}${bar} ${formatCount(done)}${total === null ? '' : ` of ${formatCount(total)}`} ${bars[0].unit}${rateText}${left}`.slice(
    0,
    columns - 1,
  );
}
