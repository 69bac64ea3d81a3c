/** The launch form over a screen: fields, the exact command, estimate, checks, and the buttons, which are never cut away. */
import type { FormView } from '../../src/console/form/model.ts';
import { formStatus } from '../../src/console/form/status.ts';
import { useConsole, useConsoleState } from '../components/context.ts';
import { OverlayBox } from '../dialog/box.tsx';
import { formLines } from './lines.ts';

/** Fields with their notes beside them, estimate and checks side by side. */
const FORM_WIDTH = 180;

export function FormBox({ form }: { readonly form: FormView }) {
  const { style } = useConsole();
  const status = formStatus(useConsoleState(), form);
  return <OverlayBox maxWidth={FORM_WIDTH} build={(width, height) => formLines(form, status, width, height, style)} />;
}
