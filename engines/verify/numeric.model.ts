/** What is there against what is due, cell by cell. Pure. */

/** Rows seen of a model's cells. */
export interface Seen {
  /** E × T: rows of each cell, capped at 255. */
  readonly rows: Uint8Array;
  /** Rows whose vector has another length than the model's, or none. */
  wrongLength: number;
  /** Rows of another window than the one that was asked for. */
  otherWindow: number;
  /** Rows of cells inside it. */
  inside: number;
}

export interface Coverage {
  readonly due: number;
  /** Due cells with a row. */
  readonly present: number;
  /** Rows beyond the first of a cell. */
  readonly duplicates: number;
  /** Cells with a row although none was due. */
  readonly surplus: number;
  /** The first of them, by day and then entity; −1 when there is none. */
  readonly firstSurplus: number;
  /** The first due cell without a row, by day and then entity; −1 when there is none. */
  readonly firstHole: number;
  /** Due cells of that day, and how many of them have a row. */
  readonly holeDay: { readonly due: number; readonly present: number };
}

/** `due` is E × T, entity-major; `entities` and `days` (ascending) name the cells that count. */
export function coverageOf(due: Uint8Array, seen: Seen, entities: Int32Array, days: Int32Array, T: number): Coverage {
  let [expected, present, surplus, firstSurplus, firstHole] = [0, 0, 0, -1, -1];
  let holeDay = { due: 0, present: 0 };
  let inside = 0;
  for (const t of days) {
    let hole = -1;
    const day = { due: 0, present: 0 };
    for (const e of entities) {
      const cell = e * T + t;
      const there = seen.rows[cell] > 0;
      if (there) inside++;
      if (!due[cell]) {
        if (there && surplus++ === 0) firstSurplus = cell;
        continue;
      }
      day.due++;
      if (there) day.present++;
      else if (hole < 0) hole = cell;
    }
    expected += day.due;
    present += day.present;
    if (hole >= 0 && firstHole < 0) [firstHole, holeDay] = [hole, day];
  }
  return { due: expected, present, duplicates: seen.inside - inside, surplus, firstSurplus, firstHole, holeDay };
}
