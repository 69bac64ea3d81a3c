/** Files of a model on the Hugging Face hub, for users with a network. One revision throughout: it is looked up first. */
import { errorMessage, UserError } from '../../../src/platform/errors.ts';
import type { ModelSource } from './source.ts';

const HUB = 'https://huggingface.co';
/** A hub that does not answer within this time is down. */
const TIMEOUT_MS = 60_000;

/** Opens a repository of the hub. `endpoint` is another server with the same paths (a mirror). @throws UserError offline. */
export async function openHub(repo: string, signal: AbortSignal, endpoint = HUB): Promise<ModelSource> {
  const listing = await get(`${endpoint}/api/models/${repo}/revision/main`, signal);
  const { sha, siblings } = (await listing.json()) as { sha: string; siblings: { rfilename: string }[] };
  return {
    origin: `hub ${repo}@${sha}`,
    names: siblings.map(({ rfilename }) => rfilename),
    read: async (name) =>
      new Uint8Array(await (await get(`${endpoint}/${repo}/resolve/${sha}/${name}`, signal)).arrayBuffer()),
    close: async () => {},
  };
}

async function get(url: string, signal: AbortSignal): Promise<Response> {
  const fix = 'Check the network, or install from a folder or a wheel: --from PATH.';
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new UserError(`${url} cannot be reached: ${errorMessage((error as Error).cause ?? error)}`, fix);
  }
  if (!response.ok) throw new UserError(`${url} answered ${response.status} ${response.statusText}`, fix);
  return response;
}
