import { step } from "../engine/step.ts";
import { changedNothing } from "./conflicts.ts";
import { lookAtEach, notPaused, notResumed, pauseEach, resumeEach, spellAll } from "./gitops.ts";
import type { GitOpsInput, GitOpsSeen } from "./gitops.ts";

/** Pauses what would put back in the new region what Git says, before anything is changed there. */
export const pauseGitOps = step<GitOpsInput, GitOpsSeen>({
  name: "pause-gitops",
  title: ({ region, objects }) => `pause ${spellAll(objects)}, which would put back what is changed in ${region}`,

  observe: async (ctx, { service, objects }) => ({ objects: await lookAtEach(ctx, service, objects) }),

  missing: ({ objects }) => notPaused(objects),

  apply: (ctx, { service }, { seen }) => pauseEach(ctx, service, seen.objects),

  hadNoEffect: changedNothing,

  undo: {
    apply: (ctx, { service }, { seen }) => resumeEach(ctx, service, seen.objects),
    missing: (seen) => notResumed(seen.objects),
  },

  patienceSeconds: 60,
  settleSeconds: 10,
  pollSeconds: 3,
});
