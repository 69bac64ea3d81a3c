/** What is drawn: keys that lead from the console's first frame to each scene. */

export const SIZES = [
  { columns: 200, rows: 50 },
  { columns: 80, rows: 24 },
] as const;

interface Scene {
  readonly name: string;
  /** By the names of `prometheus replay --press`. */
  readonly press: readonly string[];
  readonly theme?: 'dark' | 'light' | 'high-contrast' | 'mono';
}

export const SCENES: readonly Scene[] = [
  { name: 'overview', press: ['j'] },
  { name: 'phases', press: ['j', '2'] },
  { name: 'jobs', press: ['3'] },
  { name: 'backtests', press: ['4'] },
  { name: 'coverage', press: ['5'] },
  { name: 'machine', press: ['6'] },
  { name: 'events', press: ['7'] },
  { name: 'research', press: ['8'] },
  { name: 'form', press: ['3', 'R'] },
  { name: 'help', press: ['3', '?'] },
  { name: 'launch', press: ['j', 'n'], theme: 'light' },
  { name: 'overview-light', press: ['j'], theme: 'light' },
  { name: 'overview-high-contrast', press: ['j'], theme: 'high-contrast' },
  { name: 'overview-mono', press: ['j'], theme: 'mono' },
];
