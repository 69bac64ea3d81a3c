/** Lines of CSV (RFC 4180, LF). */

export type CsvValue = string | number | boolean | null | undefined;

/** One field: quoted when it must be; numbers in the shortest form that reads back as the same double. */
function csvField(value: CsvValue): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line with its line feed. */
export function csvLine(values: readonly CsvValue[]): string {
  return `${values.map(csvField).join(',')}\n`;
}
