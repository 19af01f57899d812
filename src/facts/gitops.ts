import { sql } from "kysely";
import { canI } from "../adapters/kubernetes.ts";
import { applicationSetResource, listTakenAway } from "../adapters/kubernetes-application-sets.ts";
import type { Cluster } from "../adapters/kubernetes-client.ts";
import { getGitOps, gitOpsResource, kindOf, pausingAnnotations } from "../adapters/kubernetes-gitops.ts";
import type { Owner } from "../adapters/kubernetes-owners.ts";
import { call, type CallContext } from "../call.ts";
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
  found: Fact<{
    paused: boolean;
    /** Whether Muster may pause it. */
    mayChange: boolean;
    /** The controller that would let it run again, because Git says that it runs. */
    appliedBy?: Owner;
    /** What Muster's notes on it say; absent where there are none. */
    heldFor?: Hold[];
    /** The ApplicationSet that made it; absent where none did. */
    madeBy?: Maker;
  }>;
};

/** An ApplicationSet, whether Muster may read it, and which of the annotations that pause for a service it would take away. */
export type Maker = { name: string; mayLook: boolean; takesAway: string[] };

/** A note on something that is paused: for which service, and by which run. One that has ended takes no note away any more. */
export type Hold = { service: string; run: string; ended: boolean };

/** Looks at what keeps a service's objects as Git says, and whether Muster may pause it. */
export function lookAtGitOps(
  ctx: Omit<Context, "estate">,
  { name, gitops }: Pick<Targets, "name" | "gitops">,
): Promise<GitOpsFacts[]> {
  const both = (["to", "from"] as const).flatMap((side) => gitops[side].map((entry) => ({ side, entry })));
  return Promise.all(both.map(async ({ side, entry }) => ({ side, entry, found: await lookAtOne(ctx, entry, name) })));
}

function lookAtOne(ctx: Omit<Context, "estate">, entry: GitOpsEntry, service: string): Promise<GitOpsFacts["found"]> {
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
      const { paused, appliedBy, holds, madeBy } = found;
      const heldFor = await readHolds(ctx, holds);
      return {
        paused,
        mayChange,
        ...(appliedBy ? { appliedBy } : {}),
        ...(heldFor.length > 0 ? { heldFor } : {}),
        ...(madeBy === undefined ? {} : { madeBy: await lookAtMaker(ctx, cluster, { entry, madeBy, service }) }),
      };
    },
    explainAs(`the cluster ${entry.cluster}`),
  );
}

/** Looks whether the ApplicationSet that made an Application would leave it paused for a service. */
export async function lookAtMaker(
  ctx: CallContext,
  cluster: Cluster,
  { entry, madeBy, service }: { entry: GitOpsEntry; madeBy: string; service: string },
): Promise<Maker> {
  const ref = { namespace: entry.namespace, name: madeBy };
  const annotations = pausingAnnotations(service);
  if (!(await canI(ctx, cluster, { verb: "get", ...applicationSetResource, ...ref })))
    return { name: madeBy, mayLook: false, takesAway: annotations };
  const takesAway = await listTakenAway(ctx, cluster, ref, { application: entry.name, annotations });
  return { name: madeBy, mayLook: true, takesAway };
}

/** Tells of each note whether its run has ended. */
export async function readHolds(
  ctx: CallContext & Pick<Context, "db">,
  holds: Readonly<Record<string, string>>,
): Promise<Hold[]> {
  const runs = Object.values(holds);
  if (runs.length === 0) return [];
  const { rows } = await call(ctx, "db.ended-runs", () =>
    sql<{ id: string }>`
    select id from muster.run where id = any (${runs}::text[]) and ended_at is not null`.execute(ctx.db),
  );
  const ended = new Set(rows.map(({ id }) => id));
  return Object.entries(holds).map(([service, run]) => ({ service, run, ended: ended.has(run) }));
}

/** Says what people can do about an owner that the move does not pause, of a thing such as "key". Pure. */
export function remedyFor({ manager, tool, app }: Owner, thing: string): string {
  if (!tool) return `Muster cannot pause ${manager}; have it leave that ${thing} to others`;
  return `name its ${kindOf(tool)}${app === undefined ? "" : ` ${app}`} under gitops in the estate, and the move pauses it`;
}

/** Says what people can do about an ApplicationSet that would take a pause away. Pure. */
export const remedyForMaker = ({ name, takesAway }: Maker): string =>
  `add ${takesAway.join(" and ")} to spec.preservedFields.annotations of the ApplicationSet ${name}`;

/** Whether what owns something in a region is paused by the move, because the estate names it. Pure. */
export function isPausedByMove(named: readonly GitOpsEntry[], { tool, app }: Owner): boolean {
  return tool !== undefined && named.some((entry) => entry.tool === tool && (app ?? entry.name) === entry.name);
}
