import { whyUnreachable } from "../adapters/unreachable.ts";
import { step, unknown } from "../engine/step.ts";
import { spellAll, type GitOpsInput, type GitOpsSeen } from "./gitops.ts";
import { pauseGitOps } from "./pause-gitops.ts";

/** Pauses what would start again in the old region what is stopped there; a region that does not answer has it as it was. */
export const pauseOldGitOps = step<GitOpsInput, GitOpsSeen>({
  ...pauseGitOps,
  name: "pause-old-gitops",
  title: ({ region, objects }) => `pause ${spellAll(objects)}, which would start again what is stopped in ${region}`,

  async observe(ctx, input, reads) {
    try {
      return await pauseGitOps.observe(ctx, input, reads);
    } catch (error) {
      ctx.signal.throwIfAborted();
      const why = whyUnreachable(error);
      if (!why) throw error;
      const clusters = [...new Set(input.objects.map(({ cluster }) => cluster))].join(" and ");
      return unknown(`the cluster ${clusters} ${why}`);
    }
  },

  // As with the pods it keeps: what keeps two writers apart is the fence in the database.
  acceptsUnknown: () => true,
});
