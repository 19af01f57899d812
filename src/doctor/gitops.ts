import { canI } from "../adapters/kubernetes.ts";
import { getGitOps, gitOpsResource, noteFor, resumeByHand } from "../adapters/kubernetes-gitops.ts";
import { CannotContinue } from "../errors.ts";
import type { GitOpsEntry } from "../estate.ts";
import { isPausedByMove, lookAtMaker, readHolds, remedyFor, remedyForMaker } from "../facts/gitops.ts";
import { capital } from "../spelling.ts";
import { spellGitOps } from "../steps/gitops.ts";
import type { DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

/**
 * Looks whether what keeps a service's objects as Git says is there, and whether Muster may pause it and it stays so; `beside`
 * are those that are paused with it.
 */
export async function lookAtGitOps(
  ctx: DoctorContext,
  entry: GitOpsEntry,
  { service, beside }: { service: string; beside: readonly GitOpsEntry[] },
): Promise<Finding> {
  const { tool, namespace, name } = entry;
  const subject = `the ${spellGitOps(entry)}`;
  const cluster = ctx.clients.cluster(entry.cluster);
  const { group, resource } = gitOpsResource(tool);
  const means = "What a move changes there would be put back, so that the move is blocked.";
  const todo = `Give its role in ${namespace} the verbs get and patch on ${resource}; deploy/kubernetes/role-gitops.yaml has them.`;
  try {
    const found = await getGitOps(ctx, cluster, entry);
    if (!found)
      return broken(subject, {
        happened: `There is no ${spellGitOps(entry)}.`,
        means: "What keeps the service as Git says is not known, and a move is blocked.",
        todo: "Correct the estate file.",
      });
    if (!(await canI(ctx, cluster, { verb: "patch", group, resource, namespace, name })))
      return broken(subject, { happened: `Muster may not pause the ${spellGitOps(entry)}.`, means, todo });
    const { paused, appliedBy, holds, madeBy } = found;
    // Where the database does not answer, the look at it says so.
    const left = (await readHolds(ctx, holds).catch(() => [])).find(({ ended }) => ended);
    if (left)
      return warning(subject, {
        happened: `The ${spellGitOps(entry)} was left paused for ${left.service} by run ${left.run}, which has ended.`,
        means: "Nothing of what Git says is applied, and no move of another service resumes it.",
        todo: `Once Git says of ${left.service} what is so, and where no other note (${noteFor("...")}) is there, type: ${resumeByHand(entry, left.service)}`,
      });
    if (!paused && appliedBy && !isPausedByMove(beside, appliedBy))
      return broken(subject, {
        happened: `Git says of the ${spellGitOps(entry)} whether it is paused, and ${appliedBy.manager} applies that.`,
        means: "It would be resumed during a move, so that the move is blocked.",
        todo: `${capital(remedyFor(appliedBy, "field"))}.`,
      });
    const maker =
      paused || madeBy === undefined ? undefined : await lookAtMaker(ctx, cluster, { entry, madeBy, service });
    if (maker && !maker.mayLook)
      return broken(subject, {
        happened: `Muster may not read the ApplicationSet ${maker.name}, which made the ${spellGitOps(entry)}.`,
        means: "Whether it would take the pause of a move away is not known, so that the move is blocked.",
        todo: `Give its role in ${namespace} the verb get on applicationsets; deploy/kubernetes/role-gitops.yaml has it.`,
      });
    if (maker && maker.takesAway.length > 0)
      return broken(subject, {
        happened: `The ApplicationSet ${maker.name} made the ${spellGitOps(entry)}, and takes away annotations that it does not name.`,
        means: `The pause of a move of ${service} would not last, so that the move is blocked.`,
        todo: `${capital(remedyForMaker(maker))}.`,
      });
    return ok(subject, paused ? "paused" : "running");
  } catch (error) {
    if (!(error instanceof CannotContinue)) throw error;
    return broken(subject, { happened: `Muster may not look at the ${spellGitOps(entry)}.`, means, todo });
  }
}
