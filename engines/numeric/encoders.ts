/** The encoders of this build, by the name under which models ask for them. */
import { UserError } from '../../src/platform/errors.ts';
import type { EncoderKind } from './encoder.model.ts';
import type { NumericModel } from './models.storage.ts';
import { V1_ENCODER } from './v1.model.ts';
import { priceWindowEncoder } from './v1-encoder.ts';
import { sourceEncoder } from './v2/encoder.ts';
import { V2_SOURCES } from './v2/sources.ts';

const ENCODERS: Readonly<Record<string, EncoderKind<unknown>>> = {
  [V1_ENCODER]: priceWindowEncoder as EncoderKind<unknown>,
  ...Object.fromEntries(Object.entries(V2_SOURCES).map(([name, source]) => [name, sourceEncoder(source)])),
};

/** The encoder that a model asks for. @throws UserError when this build has none of that name. */
export function encoderOf({ manifest }: NumericModel): EncoderKind<unknown> {
  const kind = ENCODERS[manifest.encoder];
  if (kind) return kind;
  throw new UserError(
    `model ${manifest.model_id} needs the encoder ${manifest.encoder}, which this build does not have`,
    'Update this installation, or fit the model again.',
  );
}
