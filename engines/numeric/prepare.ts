/** From a request to what is needed to work on it: panel, models, inputs, and which cells are due. */
import { parseDay } from '../../src/platform/dates.ts';
import { UsageError } from '../../src/platform/errors.ts';
import type { ProgramContext } from '../../src/platform/program.ts';
import { type LoadedPanel, loadPanel } from '../market/storage.ts';
import { requireRuns } from '../models/run.storage.ts';
import type { Due, EncoderKind } from './encoder.model.ts';
import { encoderOf } from './encoders.ts';
import { loadNumericModel, type NumericModel } from './models.storage.ts';
import { type BackfillSpec, monthEnds, planShards, type Shard } from './plan.model.ts';

/** What a worker thread needs of a model. Plain data: it is sent there. */
export interface PreparedModel {
  readonly model: NumericModel;
  readonly window: number;
  readonly inputs: unknown;
  /** Hash of what its inputs were made of beside the panel; null: nothing. */
  readonly inputsFingerprint: string | null;
  readonly due: Due;
  /** Entities whose rows the backfill owns: positions in `due.entities`, ascending. */
  readonly owned: Int32Array;
  /** Cells due among the chosen days and owned entities. */
  readonly cells: number;
}

export interface Prepared {
  readonly spec: BackfillSpec;
  readonly panel: LoadedPanel;
  /** The chosen days: positions in the panel's calendar, ascending. */
  readonly days: Int32Array;
  readonly models: readonly PreparedModel[];
  readonly shards: readonly Shard[];
  /** Cells due, all models. */
  readonly cells: number;
}

/** @throws UserError for a model that is not whole, a market without prices, …; UsageError for a window it cannot have. */
export async function prepare(
  spec: BackfillSpec,
  { home, databases, signal }: Pick<ProgramContext, 'home' | 'databases' | 'signal'>,
): Promise<Prepared> {
  const models: { model: NumericModel; kind: EncoderKind<unknown>; window: number }[] = [];
  for (const id of spec.models) {
    const model = await loadNumericModel(home.models, id);
    await requireRuns(model);
    models.push({ model, kind: encoderOf(model), window: windowOf(model, spec.window) });
  }
  signal.throwIfAborted();
  const panel = await loadPanel(databases, {
    marketId: spec.market,
    start: parseDay(spec.start),
    end: parseDay(spec.end),
    lookback: Math.max(...models.map(({ kind, window }) => kind.lookback(window))),
    columns: [...new Set(models.flatMap(({ kind }) => kind.columns))],
    cacheFolder: home.cache,
    markUnusable: true,
  });
  const all = panel.calendar.days.subarray(panel.first);
  const chosen = spec.snapshots ? monthEnds(all) : [...all.keys()];
  const days = Int32Array.from(chosen, (t) => panel.first + t);
  // Models that are the same function of the same window share what it derives from the panel.
  const shared = new Map<string, Pick<PreparedModel, 'inputs' | 'inputsFingerprint' | 'due'>>();
  const prepared: PreparedModel[] = [];
  for (const { model, kind, window } of models) {
    signal.throwIfAborted();
    const key = model.manifest.fit ? model.manifest.model_id : `${model.manifest.encoder} ${window}`;
    let derived = shared.get(key);
    if (!derived) {
      const inputs = await kind.prepare({ panel, model, window }, databases);
      const inputsFingerprint = kind.fingerprint?.(inputs) ?? null;
      derived = { inputs, inputsFingerprint, due: kind.due({ panel, model, window }, inputs) };
      shared.set(key, derived);
    }
    const owned = ownedEntities(derived.due, spec.limit);
    prepared.push({ model, window, ...derived, owned, cells: countDue(derived.due, owned, days, panel) });
  }
  const shards = planShards(
    prepared.map(({ owned }) => owned.length),
    days.length,
    spec.shardCells,
  );
  return { spec, panel, days, models: prepared, shards, cells: prepared.reduce((sum, { cells }) => sum + cells, 0) };
}

/** A plain function takes any window; a fitted model only its own. */
function windowOf({ manifest }: NumericModel, asked: number | null): number {
  if (asked === null || asked === manifest.window_days) return manifest.window_days;
  if (!manifest.fit) return asked;
  throw new UsageError(
    `model ${manifest.model_id} was fitted on windows of ${manifest.window_days} days, not ${asked}`,
    'Leave out --window-days, or name other models.',
  );
}

/** `limit` counts instruments, as the plan's flag does; other entities are few. */
function ownedEntities({ entities }: Due, limit: number | null): Int32Array {
  let instruments = 0;
  const owned: number[] = [];
  entities.forEach(({ type }, e) => {
    if (type !== 'INSTRUMENT' || limit === null || instruments++ < limit) owned.push(e);
  });
  return Int32Array.from(owned);
}

function countDue({ due }: Due, owned: Int32Array, days: Int32Array, panel: LoadedPanel): number {
  const T = panel.calendar.days.length;
  let count = 0;
  for (const e of owned) for (const t of days) count += due[e * T + t];
  return count;
}
