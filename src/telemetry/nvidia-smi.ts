/** What `nvidia-smi` prints (queries with --format=csv,noheader,nounits), line by line; pure. */
import type { GpuProcess, GpuSample } from './types.ts';

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

/** Of processes that compute; the name comes last, for it may hold commas. */
export const APPS_QUERY = 'gpu_uuid,pid,used_gpu_memory,process_name';

export type AppLine =
  | { readonly gpuUuid: string; readonly process: GpuProcess }
  | { readonly message: string; readonly none: boolean }
  | null;

/** Reads one line of `--query-compute-apps`; `none` in a message: it only says that nobody computes. */
export function parseAppLine(line: string): AppLine {
  const text = line.trim();
  if (!text) return null;
  const [gpuUuid, pid, memory, ...name] = text.split(',').map((field) => field.trim());
  if (!/^(GPU|MIG)-/.test(gpuUuid) || !/^\d+$/.test(pid ?? '')) {
    const none = /^(no running|\[?not supported|\[?n\/a)/i.test(text);
    return { message: text.replace(/\s+/g, ' '), none };
  }
  return { gpuUuid, process: { pid: Number(pid), name: name.join(', '), memoryMiB: figure(memory ?? '') } };
}

/** `nvidia-smi -L`: index of each GPU by its UUID. */
export function parseGpuList(text: string): Map<string, number> {
  return new Map(
    [...text.matchAll(/^GPU (\d+): .*\(UUID: ([^)\s]+)\)/gm)].map((match) => [match[2], Number(match[1])]),
  );
}
