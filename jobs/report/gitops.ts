import { resumeByHand } from "../../src/adapters/kubernetes-gitops.ts";
import { isUnknown } from "../../src/engine/step.ts";
import { hasTouched, type RunView } from "../../src/engine/view.ts";
import { heldIn, spellGitOps, type GitOpsInput } from "../../src/steps/gitops.ts";
import { pauseGitOps } from "../../src/steps/pause-gitops.ts";
import { pauseOldGitOps } from "../../src/steps/pause-old-gitops.ts";
import { resumeGitOps } from "../../src/steps/resume-gitops.ts";
import { stepOf } from "./step-of.ts";

/** Says what a run of one service that has ended left paused, and how that goes on; a sentence each. Pure. */
export function stillPaused(view: RunView): string[] {
  const resume = stepOf(view, resumeGitOps.name);
  const resumed = resume?.done;
  if (!view.ended || (resumed && !isUnknown(resumed.result))) return [];
  // Where that step ended without having seen all, what it did not see is of the old region.
  const pauses = resumed ? [pauseOldGitOps.name] : [pauseGitOps.name, pauseOldGitOps.name];
  return pauses.flatMap((name) => {
    const pause = stepOf(view, name);
    if (!pause || !hasTouched(pause) || pause.undone) return [];
    const { service, objects } = pause.node.input as GitOpsInput;
    const result = pause.done?.result;
    const seen = result !== undefined && !isUnknown(result);
    const sure = seen && !resumed && pause.undo.attempts === 0 && !(resume && hasTouched(resume));
    return (seen ? heldIn(result) : objects).map(
      (object) =>
        `The ${spellGitOps(object)} ${sure ? "is" : "may be"} still paused by this run, and nothing resumes it. Once Git says what is so by now, and where no other service has its note there (paused.muster/...): ${resumeByHand(object, service)}`,
    );
  });
}
