/** What `nvidia-smi --query-gpu … --format=csv,noheader,nounits` prints, line by line; pure. */
import type { GpuSample } from './types.ts';

/** In the order in which the figures are parsed. */
export const QUERY = 'index,name,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw';

/** A line is a GPU's figures, or a message such as `Failed to initialize NVML: Driver/library version mismatch`. */
export type SmiLine = { readonly gpu: GpuSample; readonly fault: string | null } | { readonly message: string } | null;

const FIGURES = 5;

/** Reads one line; null for an empty one. A figure the driver does not give (`[N/A]`, `[Unknown Error]`, …) is null. */
export function parseSmiLine(line: string): SmiLine {
  const text = line.trim();
  if (!text) return null;
  const fields = text.split(',').map((field) => field.trim());
  // A name may hold commas: the figures are counted from the end.
  const index = fields.length >= FIGURES + 2 && /^\d+$/.test(fields[0]) ? Number(fields[0]) : null;
  if (index === null) return { message: text.replace(/\s+/g, ' ') };
  const words = fields.slice(-FIGURES);
  const [utilisation, memoryUsedMiB, memoryTotalMiB, temperatureC, powerW] = words.map(figure);
  const gpu: GpuSample = {
    index,
    name: fields.slice(1, -FIGURES).join(', '),
    utilisation: utilisation === null ? null : utilisation / 100,
    memoryUsedMiB,
    memoryTotalMiB,
    temperatureC,
    powerW,
  };
  const bad = words.find((word) => /err|lost/i.test(word));
  return { gpu, fault: bad ? `GPU ${index}: ${bad.replace(/^\[|\]$/g, '')}` : null };
}

function figure(word: string): number | null {
  return /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : null;
}
