/** What an import did and refused: counts by table and file, findings by reason, the list of all findings as a file. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { formatCount } from '../../../src/format/numbers.ts';
import { csvLine } from '../../../src/platform/csv.ts';
import { errorMessage } from '../../../src/platform/errors.ts';
import { makeFolders } from '../../../src/platform/folders.ts';

export type ImportTable = 'instruments' | 'market_holidays' | 'prices_daily' | 'news_articles';
/** Tables that are filled along with another one. */
export type SideTable = 'markets' | 'issuers' | 'news_links';

export interface Finding {
  readonly level: 'rejected' | 'warning';
  readonly table: ImportTable;
  readonly file: string;
  /** Physical line in the file; null when the finding is about the whole file or several lines. */
  readonly line: number | null;
  readonly reason: string;
  readonly detail: string;
}

/** Rows of a table or a file: read = inserted + updated + unchanged + collapsed + rejected, unless the file was rejected. */
export interface RowCounts {
  read: number;
  inserted: number;
  updated: number;
  unchanged: number;
  /** Rows that repeated another row of the same file exactly. */
  collapsed: number;
  rejected: number;
}

export interface FileOutcome extends RowCounts {
  readonly file: string;
  readonly table: ImportTable;
  /** `landed`: its accepted rows are in the table. `rejected`: nothing of it is, for the reason given. */
  status: 'landed' | 'rejected';
  reason?: string;
}

export interface FindingGroup {
  readonly level: Finding['level'];
  readonly table: ImportTable;
  readonly reason: string;
  /** Rejected rows, files rejected as a whole, or warnings. */
  count: number;
  readonly files: Set<string>;
  readonly first: Finding[];
}

/** The place of a finding that needed all files of the import. */
export const ALL_FILES = 'all files';

const SHOWN_PER_GROUP = 3;
/** Findings kept for `--json`; beyond that only the file has all of them, so that memory stays flat. */
const KEPT_FOR_JSON = 100_000;
const FLUSH_BYTES = 64 * 1024;

export const noRows = (): RowCounts => ({ read: 0, inserted: 0, updated: 0, unchanged: 0, collapsed: 0, rejected: 0 });

export interface ReportOptions {
  /** Where the list of findings is written once there is one; null writes none. */
  readonly findingsFile: string | null;
  readonly keepAll: boolean;
}

export class ImportReport {
  readonly files: FileOutcome[] = [];
  readonly all: Finding[] = [];
  /** Why the list could not be written, once that happened. The import goes on: rows matter more than their list. */
  findingsFileError: string | null = null;
  readonly #sides = new Map<SideTable, RowCounts>();
  readonly #groups = new Map<string, FindingGroup>();
  readonly #options: ReportOptions;
  #fd: number | null = null;
  #pending = '';

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  add(finding: Finding): void {
    const key = `${finding.level}|${finding.table}|${finding.reason}`;
    let group = this.#groups.get(key);
    if (!group) {
      const { level, table, reason } = finding;
      group = { level, table, reason, count: 0, files: new Set(), first: [] };
      this.#groups.set(key, group);
    }
    group.count++;
    group.files.add(finding.file);
    if (group.first.length < SHOWN_PER_GROUP) group.first.push(finding);
    if (this.#options.keepAll && this.all.length < KEPT_FOR_JSON) this.all.push(finding);
    if (!this.#options.findingsFile || this.findingsFileError) return;
    const { level, table, file, line, reason, detail } = finding;
    this.#pending += csvLine([level, table, file, line, reason, detail]);
    if (this.#pending.length >= FLUSH_BYTES) this.#flush();
  }

  /** Groups, rejections first, the largest first. */
  groups(): FindingGroup[] {
    const rank = (group: FindingGroup) => (group.level === 'rejected' ? 0 : 1);
    return [...this.#groups.values()].sort(
      (a, b) => rank(a) - rank(b) || b.count - a.count || (a.reason < b.reason ? -1 : 1),
    );
  }

  get findings(): number {
    return [...this.#groups.values()].reduce((sum, group) => sum + group.count, 0);
  }

  get rejectedAnything(): boolean {
    return [...this.#groups.values()].some((group) => group.level === 'rejected');
  }

  /** Counts rows of a table that is filled along with the table of a file. */
  addSide(table: SideTable, read: number, { inserted, updated }: { inserted: number; updated: number }): void {
    const sum = this.#sides.get(table) ?? noRows();
    sum.read += read;
    sum.inserted += inserted;
    sum.updated += updated;
    sum.unchanged += Math.max(0, read - inserted - updated);
    this.#sides.set(table, sum);
  }

  /** Sums by table: those of files in the order met, then the tables filled along with them. */
  totals(): Map<ImportTable | SideTable, RowCounts> {
    const totals = new Map<ImportTable | SideTable, RowCounts>();
    for (const file of this.files) {
      const total = totals.get(file.table) ?? noRows();
      for (const key of Object.keys(total) as (keyof RowCounts)[]) total[key] += file[key];
      totals.set(file.table, total);
    }
    for (const [table, counts] of this.#sides) totals.set(table, counts);
    return totals;
  }

  /** Writes what is left of the list; its path, or null when there was nothing to list or it could not be written. */
  close(): string | null {
    if (this.#pending) this.#flush();
    if (this.#fd !== null) closeSync(this.#fd);
    const written = this.#fd !== null && this.findingsFileError === null;
    this.#fd = null;
    return written ? this.#options.findingsFile : null;
  }

  /** Half a list would pass for the whole one. */
  #giveUp(fd: number, file: string): void {
    closeSync(fd);
    this.#fd = null;
    rmSync(file, { force: true });
  }

  #flush(): void {
    const file = this.#options.findingsFile!;
    try {
      if (this.#fd === null) {
        makeFolders(path.resolve(path.dirname(file)), 0o700);
        this.#fd = openSync(file, 'wx', 0o600);
        this.#pending = csvLine(['level', 'table', 'file', 'line', 'reason', 'detail']) + this.#pending;
      }
      for (let bytes = Buffer.from(this.#pending); bytes.length > 0; )
        bytes = bytes.subarray(writeSync(this.#fd, bytes));
    } catch (error) {
      this.findingsFileError = errorMessage(error);
      if (this.#fd !== null) this.#giveUp(this.#fd, file);
    }
    this.#pending = '';
  }
}

/** Lines for people: each reason with its count and the first places. */
export function describeGroups(groups: readonly FindingGroup[]): { level: Finding['level']; text: string }[] {
  return groups.map((group) => {
    const places = group.first.map((finding) => {
      if (finding.file === ALL_FILES) return finding.detail;
      const place = finding.line === null ? finding.file : `${finding.file}:${finding.line}`;
      return finding.detail ? `${place} (${finding.detail})` : place;
    });
    const more = group.count > group.first.length ? ` and ${formatCount(group.count - group.first.length)} more` : '';
    const unit = group.first[0].line === null ? 'file' : 'row';
    const inFiles = unit === 'row' && group.files.size > 1 ? ` in ${formatCount(group.files.size)} files` : '';
    const what =
      group.level === 'rejected'
        ? `rejected ${formatCount(group.count)} ${unit}${group.count === 1 ? '' : 's'}${inFiles}: `
        : '';
    return { level: group.level, text: `${group.table}: ${what}${group.reason}: ${places.join(', ')}${more}` };
  });
}
