/** Which command makes which model. */
import { V2_MODELS } from '../numeric/v2/models.model.ts';

/** Those whose weights are of others' making. */
const INSTALLED = 'text-fin-general-v1';
/** Those that `models fit` makes, each also under its id and a name of the user's own (`--as`). */
export const FITTED_MODELS: readonly string[] = [...V2_MODELS, 'text-fin-static-v1', 'assessment-context-v2'];
/** Numeric ones that are plain functions, written when they are first used. */
const PLAIN = /^num-.*-v1$/;

/** Whether an id stands for a function that has learnt from no data of the user's, wherever its folder is. */
export const isNeverFitted = (id: string): boolean => id === INSTALLED || PLAIN.test(id);

/** How a model that is not there comes to be; for an id that nothing makes, which ids there are. */
export function waysTo(id: string): string {
  const maker = makerOf(id);
  if (maker) return `It comes from: ${maker}`;
  return `Installed with prometheus models install is: ${INSTALLED}. Fitted with prometheus models fit ID are: ${FITTED_MODELS.join(', ')}`;
}

/** What to do after a model's folder was removed, as the end of a sentence. */
export function remake(id: string): string {
  if (PLAIN.test(id)) return 'run the command again';
  const maker = makerOf(id);
  return maker ? `make it anew: ${maker}` : 'put a whole one in its place';
}

function makerOf(id: string): string | null {
  if (id === INSTALLED) return `prometheus models install ${id} --from PATH`;
  const fitted = FITTED_MODELS.find((one) => id === one || id.startsWith(`${one}-`));
  if (!fitted) return null;
  return `prometheus models fit ${fitted}${id === fitted ? '' : ` --as ${id}`}`;
}
