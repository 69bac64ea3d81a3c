/** Names beside each other, in little room. */

/** A beginning shorter than this is not worth a mark. */
const WORTH = 4;

/** What tells names apart: a long beginning that all of them share is left out up to its last separator, with a mark. */
export function distinct(names: readonly string[]): (name: string) => string {
  const [first = '', ...others] = new Set(names);
  if (others.length === 0) return (name) => name;
  let shared = first.length;
  for (const name of others) {
    let same = 0;
    while (same < shared && name[same] === first[same]) same++;
    shared = same;
  }
  const cut = /^.*[_\-./ :]/.exec(first.slice(0, shared))?.[0] ?? '';
  return cut.length < WORTH ? (name) => name : (name) => (name.startsWith(cut) ? `…${name.slice(cut.length)}` : name);
}
