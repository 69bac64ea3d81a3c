/** `configs/console.yaml`: settings of the supervisor and the console, one schema. */
import { z } from 'zod';
import type { Home } from './home.ts';
import { loadLayers } from './layers.ts';
import { THEMES } from './themes.ts';

const count = z.int().min(1);

const settingsSchema = z.strictObject({
  state: z.strictObject({ dir: z.string().min(1).nullable() }),
  console: z.strictObject({ theme: z.enum(THEMES), mouse: z.boolean() }),
  jobs: z.strictObject({
    slots: z.strictObject({ cpu: count, gpu: count, io: count, writer: count }),
    stopDeadlineSeconds: z.number().positive(),
    stallSeconds: z.number().positive(),
    retryLimit: count,
    retryWindowMinutes: z.number().positive(),
    environment: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*\*?$/, 'is no name of a variable')),
  }),
  retention: z.strictObject({
    days: z.number().positive(),
    count: count,
    compressMegabytes: z.number().positive(),
  }),
  notify: z.strictObject({
    failures: z.boolean(),
    longJobsMinutes: z.number().positive(),
    bell: z.boolean(),
    webhook: z.url({ protocol: /^https?$/, message: 'is not an http or https address' }).nullable(),
  }),
});

export type Settings = z.infer<typeof settingsSchema>;

/** The settings of a home. @throws UsageError that names the file and the key. */
export const loadSettings = (home: Home, env: Readonly<Record<string, string | undefined>> = process.env): Settings =>
  loadLayers('console.yaml', settingsSchema, home, env);
