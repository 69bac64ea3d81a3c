/** The v1 models of the plan: what is made when no model is named. */
export const V1_MODELS = [
  'num-regime-core-v1',
  'num-stab-core-v1',
  'num-profile-core-v1',
  'num-scenario-core-v1',
  'num-portfolio-core-v1',
] as const;
