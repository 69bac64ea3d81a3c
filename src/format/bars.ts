/** Progress bars and the cells of heat lines. */

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of exactly `width` cells, filled by `share` (0…1); dots alone when the share is unknown. */
export function progressBar(share: number | null, width: number, options: { ascii?: boolean } = {}): string {
  if (width <= 0) return '';
  const rest = options.ascii ? '.' : '·';
  if (share === null || !Number.isFinite(share)) return rest.repeat(width);
  const filled = Math.max(0, Math.min(1, share)) * width;
  if (options.ascii) return '#'.repeat(Math.floor(filled)).padEnd(width, rest);
  const full = Math.floor(filled + 1e-9);
  const part = full < width ? EIGHTHS[Math.floor((filled - full) * 8 + 1e-9)] : '';
  return `${'█'.repeat(full)}${part}`.padEnd(width, rest);
}

/** Marks of a heat line, from nothing to complete. `null` (nothing is expected there) is a space. */
const HEAT = [
  { below: 1e-9, mark: '·', ascii: '.' },
  { below: 0.5, mark: '░', ascii: '-' },
  { below: 0.9, mark: '▒', ascii: '=' },
  { below: 0.99, mark: '▓', ascii: '%' },
  { below: Number.POSITIVE_INFINITY, mark: '█', ascii: '#' },
] as const;

/** The mark of one cell of a heat line. */
export function heatMark(share: number | null | undefined, options: { ascii?: boolean } = {}): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return ' ';
  const level = HEAT.find(({ below }) => share < below) ?? HEAT[HEAT.length - 1];
  return options.ascii ? level.ascii : level.mark;
}
