/** Joint spaces: their ids, what they are joined of, and how a row names its entity. Pure. Source: contracts §5. */

/** Values of every joint vector and of each of its branches. */
export const JOINT_DIM = 384;

export type JointKind = 'profile' | 'regime' | 'stab' | 'assessment';
/** What a vector is joined of. */
export type Branch = 'numeric' | 'profile' | 'regime' | 'stab' | 'text';

/** v1: the averages of the user's existing system; v2: ours. */
export type JointVersion = 'v1' | 'v2';

export interface JointSpace {
  readonly kind: JointKind;
  readonly jointType: string;
  readonly modelId: string;
  readonly version: JointVersion;
}

/** Stem and `joint_type` of each kind. */
const KINDS: Readonly<Record<JointKind, { readonly stem: string; readonly jointType: string }>> = {
  profile: { stem: 'joint-profile-core', jointType: 'PROFILE_CORE_V0' },
  regime: { stem: 'joint-regime-core', jointType: 'REGIME_CONTEXT_V0' },
  stab: { stem: 'joint-stab-fragility', jointType: 'STAB_FRAGILITY_V0' },
  assessment: { stem: 'joint-assessment-context', jointType: 'ASSESSMENT_CTX_V0' },
};

/** The space of a kind and version. */
export function jointSpace(kind: JointKind, version: JointVersion): JointSpace {
  const { stem, jointType } = KINDS[kind];
  return { kind, jointType, version, modelId: `${stem}-${version}` };
}

/** The version that a model id of this kind names; null when it names none. */
export function versionOf(kind: JointKind, modelId: string): JointVersion | null {
  return (['v1', 'v2'] as const).find((version) => modelId === `${KINDS[kind].stem}-${version}`) ?? null;
}

/** Joint kinds in the order in which they are made: each is joined of what stands before it. */
export const JOINT_KINDS: readonly JointKind[] = ['profile', 'regime', 'stab', 'assessment'];

/** The space of a model id; null when it names none. */
export function spaceOf(modelId: string): JointSpace | null {
  for (const kind of JOINT_KINDS) {
    const version = versionOf(kind, modelId);
    if (version) return jointSpace(kind, version);
  }
  return null;
}

/** Numeric models that a version is joined of. */
export const numericModels = (version: JointVersion) => ({
  profile: `num-profile-core-${version}`,
  regime: `num-regime-core-${version}`,
  stab: `num-stab-core-${version}`,
});
