import { whyUnreachable } from "../adapters/unreachable.ts";
import { isUnknown, step, unknown, type StepContext } from "../engine/step.ts";
import { changedNothing } from "./conflicts.ts";
import { lookAtEach, notResumed, resumeEach, spellAll, type GitOpsSeen, type GitOpsTarget } from "./gitops.ts";

export type ResumeGitOpsInput = {
  service: string;
  /** In the new region. */
  objects: GitOpsTarget[];
  /** In the old one, where they may not have been paused, because nobody could be asked. */
  oldObjects: GitOpsTarget[];
};

/** Lets what was paused go on, and leaves alone what somebody else had paused. */
export const resumeGitOps = step<ResumeGitOpsInput, GitOpsSeen>({
  name: "resume-gitops",
  title: ({ objects, oldObjects }) => `resume ${spellAll([...objects, ...oldObjects])} where this run paused it`,

  async observe(ctx, { service, objects, oldObjects }, reads) {
    // What could not be paused is not asked again: its region may be gone.
    const paused = isUnknown(reads["pause-old-gitops"]) ? [] : oldObjects;
    const near = await lookAtEach(ctx, service, objects);
    const far = await Promise.all(paused.map((object) => lookAtOld(ctx, service, object)));
    const seen = [...near, ...far.flatMap((looked) => ("silent" in looked ? [] : looked))];
    const silent = far.flatMap((looked) => ("silent" in looked ? [looked.silent] : []));
    // First those that answer; what is left then may be the region that was left, which holds up nobody.
    if (notResumed(seen) === undefined && silent.length > 0)
      return unknown(`nobody answers for ${spellAll(silent)}, to be resumed by hand when its region is back`);
    return { objects: seen };
  },

  missing: ({ objects }) => notResumed(objects),

  apply: (ctx, { service }, { seen }) => resumeEach(ctx, service, seen.objects),

  hadNoEffect: changedNothing,

  undo: { nothing: "from here on it is Git's controller that decides" },

  patienceSeconds: 60,
  settleSeconds: 10,
  pollSeconds: 3,
  acceptsUnknown: () => true,
});

async function lookAtOld(
  ctx: StepContext,
  service: string,
  object: GitOpsTarget,
): Promise<GitOpsSeen["objects"] | { silent: GitOpsTarget }> {
  try {
    return await lookAtEach(ctx, service, [object]);
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!whyUnreachable(error)) throw error;
    return { silent: object };
  }
}
