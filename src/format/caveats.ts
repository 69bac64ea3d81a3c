/** Marks of the things to know about some rows of a table and not about others. */

const SIGNS = ['*', '+', '#', '%', '&'];

/**
 * A sign for each distinct caveat (in the order of their first row), and the notes to put below the table. Where all rows
 * share one, no sign is needed.
 */
export function caveatMarks(caveats: readonly string[]): {
  readonly signOf: (caveat: string) => string;
  readonly mixed: boolean;
  readonly notes: readonly string[];
} {
  const distinct = [...new Set(caveats)];
  const mixed = distinct.length > 1;
  const worded = distinct.filter(Boolean);
  const signOf = (caveat: string) => (mixed && caveat ? SIGNS[worded.indexOf(caveat) % SIGNS.length] : '');
  return { signOf, mixed, notes: worded.map((caveat) => (mixed ? `${signOf(caveat)} ${caveat}` : caveat)) };
}
