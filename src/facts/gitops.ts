import { canI } from "../adapters/kubernetes.ts";
import { getGitOps, gitOpsResource } from "../adapters/kubernetes-gitops.ts";
import type { Owner } from "../adapters/kubernetes-owners.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import type { GitOpsEntry } from "../estate.ts";
import { spellGitOps } from "../steps/gitops.ts";
import { explainAs } from "./explain.ts";
import { look, type Fact } from "./fact.ts";
import type { Targets } from "./targets.ts";

export type GitOpsFacts = {
  /** Which side of the move it stands on. */
  side: "to" | "from";
  entry: GitOpsEntry;
  found: Fact<{ paused: boolean; /** Whether Muster may pause it. */ mayChange: boolean }>;
};

/** Looks at what keeps a service's objects as Git says, and whether Muster may pause it. */
export function lookAtGitOps(ctx: Context, { gitops }: Pick<Targets, "gitops">): Promise<GitOpsFacts[]> {
  const both = (["to", "from"] as const).flatMap((side) => gitops[side].map((entry) => ({ side, entry })));
  return Promise.all(both.map(async ({ side, entry }) => ({ side, entry, found: await lookAtOne(ctx, entry) })));
}

function lookAtOne(ctx: Context, entry: GitOpsEntry): Promise<GitOpsFacts["found"]> {
  const { tool, namespace, name } = entry;
  return look(
    ctx,
    async () => {
      const cluster = ctx.clients.cluster(entry.cluster);
      const right = { verb: "patch", ...gitOpsResource(tool), namespace, name };
      const [found, mayChange] = await Promise.all([
        getGitOps(ctx, cluster, { tool, namespace, name }),
        canI(ctx, cluster, right),
      ]);
      if (!found) return unknown(`there is no ${spellGitOps(entry)}`);
      return { paused: found.paused, mayChange };
    },
    explainAs(`the cluster ${entry.cluster}`),
  );
}

/** Whether what owns something in the new region is paused by the move, because the estate names it. Pure. */
export function isPausedByMove(named: readonly GitOpsEntry[], { tool, app }: Owner): boolean {
  return tool !== undefined && named.some((entry) => entry.tool === tool && (app ?? entry.name) === entry.name);
}
