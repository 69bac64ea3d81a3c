/** What makes vectors of token ids: a graph in ONNX Runtime, or a static table by itself. */
import type { Provider } from '../onnx/session.ts';
import type { Tokens } from './batches.model.ts';

export interface Vectorizer {
  readonly provider: Provider;
  /** Why CUDA does not run; empty when it does, or has nothing to do. */
  readonly fallback: string;
  /** Writes a row of `vectors` for each text that has tokens; why there is none goes to `problems`, by position. */
  write(tokens: Tokens, vectors: Float32Array, problems: Map<number, string>): Promise<void>;
  close(): Promise<void>;
}

export const NO_KNOWN_WORD = 'no word of it is known to the model';
