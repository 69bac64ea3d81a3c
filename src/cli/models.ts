/** `prometheus models …`: the registry of this home. */
import { z } from 'zod';
import { headVerdict } from '../../engines/assessment/head.model.ts';
import type { Manifest } from '../../engines/models/manifest.model.ts';
import { requireRuns } from '../../engines/models/run.storage.ts';
import { listModels, loadModel, type ModelEntry } from '../../engines/models/storage.ts';
import { modelsEvalSpec } from '../../engines/numeric/eval/spec.ts';
import { isPlainModel, loadNumericModel } from '../../engines/numeric/models.storage.ts';
import { V1_MODELS } from '../../engines/numeric/v1-ids.model.ts';
import { textInstallSpec } from '../../engines/text/spec.ts';
import { formatBytes } from '../format/numbers.ts';
import { Exit, errorMessage, UserError } from '../platform/errors.ts';
import type { Home } from '../platform/home.ts';
import { defineCommand } from './command.ts';
import type { Cli } from './context.ts';
import { printJson } from './json.ts';
import { cell, Report } from './plain-text.ts';
import { programCommand } from './program-command.ts';

const json = z.boolean().default(false).describe('print JSON');

export const modelsList = defineCommand({
  name: 'models ls',
  summary: 'the models of this home',
  description: `
Models lie in folders of their own below the home's models/. The five v1 models need no fitting: they are written there when
they are first used. FITTED is the span of prices that a model was fitted on; – means it is a plain function.`,
  args: z.object({ json }),
  run: async (args, cli) => {
    const entries = await homeModels(cli.home);
    if (args.json) {
      printJson(cli, {
        folder: cli.home.models,
        models: entries.map(({ id, manifest, problem }) => ({ id, manifest, problem })),
      });
      return Exit.done;
    }
    const report = new Report(cli);
    report.table<ModelEntry>(
      [
        { title: 'MODEL', cell: ({ id }) => cell(id) },
        { title: 'KIND', cell: ({ manifest }) => cell(manifest?.kind ?? '?') },
        {
          title: 'ENTITIES',
          cell: ({ manifest }) => cell(manifest?.kind === 'numeric' ? manifest.entities.join(' ') : '–'),
        },
        { title: 'DIM', align: 'right', cell: ({ manifest }) => cell(manifest ? String(manifest.dim) : '–') },
        { title: 'SIZE', align: 'right', cell: ({ manifest }) => cell(manifest ? formatBytes(manifest.bytes) : '–') },
        { title: 'FITTED', cell: ({ manifest }) => cell(fittedOn(manifest)) },
      ],
      entries,
    );
    for (const { id, problem } of entries) if (problem) report.text(`${id}  `, problem);
    report.print(cli);
    return Exit.done;
  },
});

export const modelsShow = defineCommand({
  name: 'models show',
  summary: 'everything on record about one model',
  args: z.object({ model: z.string().describe('model id'), json }),
  positionals: ['model'],
  run: async (args, cli) => {
    const { manifest, fingerprint } = await load(cli, args.model);
    const verdict = manifest.kind === 'head' ? { verdict: headVerdict(manifest.fit.probes ?? {}) } : {};
    if (args.json) printJson(cli, { manifest, fingerprint, ...verdict });
    else {
      const report = new Report(cli);
      const fields = { ...manifest, fingerprint, ...verdict };
      const width = Math.max(...Object.keys(fields).map((key) => key.length)) + 2;
      for (const [key, value] of Object.entries(fields)) {
        report.text(key.padEnd(width), typeof value === 'object' ? JSON.stringify(value) : String(value));
      }
      report.print(cli);
    }
    return Exit.done;
  },
});

export const modelsVerify = defineCommand({
  name: 'models verify',
  summary: 'compare every file of the models with the hashes on record, and run their graphs',
  description: `
Each graph is run once: on a window of zeros, or of a text model on the golden texts of its manifest. Without ids all models of
the home. Exit code 1 when one of them would be refused.`,
  args: z.object({ model: z.array(z.string()).default([]).describe('model ids'), json }),
  positionals: ['model'],
  run: async (args, cli) => {
    const ids = args.model.length ? args.model : (await homeModels(cli.home)).map(({ id }) => id);
    const found: { id: string; ok: boolean; problem: string }[] = [];
    for (const id of ids) {
      cli.signal.throwIfAborted();
      try {
        await prove(cli, id);
        found.push({ id, ok: true, problem: '' });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        found.push({ id, ok: false, problem: errorMessage(error) });
      }
    }
    if (args.json) printJson(cli, { models: found });
    else {
      const report = new Report(cli);
      for (const { id, ok, problem } of found)
        report.text(`${report.state(ok ? 'OK' : 'FAIL')}  ${id}${ok ? '' : '  '}`, problem);
      report.print(cli);
    }
    return found.every(({ ok }) => ok) ? Exit.done : Exit.failed;
  },
});

export const modelsInstall = programCommand(textInstallSpec, async () => ({
  program: (await import('../../engines/text/program.ts')).installTextModel,
}));

export const modelsEval = programCommand(modelsEvalSpec, async () => ({
  program: (await import('../../engines/numeric/eval/program.ts')).evaluateModels,
}));

/** The models of a home; the plain ones are written when they are missing. */
export async function homeModels({ models }: Home): Promise<ModelEntry[]> {
  for (const id of V1_MODELS) await loadNumericModel(models, id).catch(() => {});
  return listModels(models);
}

const load = (cli: Cli, id: string) => (isPlainModel(id) ? loadNumericModel : loadModel)(cli.home.models, id);

/** Hashes, then the graph at work. @throws UserError when a backfill would not use the model. */
async function prove(cli: Cli, id: string): Promise<void> {
  const model = await load(cli, id);
  if (model.manifest.kind !== 'text') return requireRuns(model);
  const { openTextEncoder } = await import('../../engines/text/encoder.ts');
  const { loadTextModel } = await import('../../engines/text/models.storage.ts');
  await (await openTextEncoder(await loadTextModel(cli.home.models, id), 'cpu')).close();
}

const fittedOn = (manifest: Manifest | null): string =>
  manifest && 'fit' in manifest && manifest.fit ? `${manifest.fit.fit_start} → ${manifest.fit.fit_end}` : '–';
