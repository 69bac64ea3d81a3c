/** Preloaded into a measured process: writes its CPU seconds and peak memory to the file of BENCH_USAGE when it ends. */
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(
    process.env.BENCH_USAGE!,
    JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1e6, peakMiB: maxRSS / 1024 }),
  );
});
