import { use, type PlanNode } from "../src/engine/plan.ts";
import type { Deployment, GitOpsEntry } from "../src/estate.ts";
import { kindOf, noteFor } from "../src/adapters/kubernetes-gitops.ts";
import type { Owner } from "../src/adapters/kubernetes-owners.ts";
import { seen, whyUnseen } from "../src/facts/fact.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import { isPausedByMove, remedyFor, remedyForMaker } from "../src/facts/gitops.ts";
import type { GitOpsFacts, Hold, Maker } from "../src/facts/gitops.ts";
import { autoscalerOf } from "../src/facts/pods.ts";
import type { Targets } from "../src/facts/targets.ts";
import { spellGitOps, type GitOpsTarget } from "../src/steps/gitops.ts";
import { pauseGitOps } from "../src/steps/pause-gitops.ts";
import { pauseOldGitOps } from "../src/steps/pause-old-gitops.ts";
import { resumeGitOps } from "../src/steps/resume-gitops.ts";
import { trustGit } from "../src/steps/trust-git.ts";
import type { Preview } from "./job.ts";

/** Steps that pause what keeps a service's objects as Git says, each undefined where there is nothing to pause. */
export function pausing(targets: Targets, facts: FailoverFacts) {
  const { name: service, toRegion, gitops } = targets;
  const to = gitops.to.map(target);
  const from = gitops.from.map(target);
  return {
    near: to.length > 0 ? use(pauseGitOps, service, { service, region: toRegion, objects: to }) : undefined,
    far:
      from.length > 0 ? use(pauseOldGitOps, service, { service, region: facts.fromRegion, objects: from }) : undefined,
  };
}

/** Steps that let it go on at the end, once somebody says that Git is right, unless the estate needs nobody for that. */
export function resuming(
  targets: Targets,
  facts: FailoverFacts,
  { paused, host, after }: { paused: ReturnType<typeof pausing>; host: string | undefined; after: PlanNode },
): PlanNode[] {
  const reads = [paused.near, paused.far].filter((node) => node !== undefined);
  if (reads.length === 0) return [];
  const { name: service, gitops } = targets;
  const now = changes(targets, facts, host);
  const trusted =
    targets.service.resumeGitops === "person"
      ? use(trustGit, service, { service, now }, { after: [after], reads })
      : undefined;
  const input = { service, objects: gitops.to.map(target), oldObjects: gitops.from.map(target) };
  return [...(trusted ? [trusted] : []), use(resumeGitOps, service, input, { after: [trusted ?? after], reads })];
}

/** What a move changes that Git may say, each as a claim. */
function changes(
  { deployments, configs, database }: Targets,
  { pods }: FailoverFacts,
  host: string | undefined,
): string[] {
  const wants = (deployment: Deployment, count: number) => {
    const least = autoscalerOf(pods, deployment) && count > 0 ? "at least " : "";
    return `${deployment.namespace}/${deployment.name} in ${deployment.region} wants ${least}${count} pods`;
  };
  return [
    ...configs.map(({ namespace, name, key, region }) => `${key} of ${namespace}/${name} in ${region} is ${host}`),
    ...deployments.to.map((deployment) => wants(deployment, deployment.replicas)),
    ...(database ? deployments.from.map((deployment) => wants(deployment, 0)) : []),
  ];
}

/** Says what of it cannot be paused in the new region, or not for long, and which owner the estate does not name. */
export function gitOpsBlockers(targets: Targets, facts: FailoverFacts): string[] {
  const unnamed = (owner: Owner | undefined) =>
    owner?.gitops && !isPausedByMove(targets.gitops.to, owner) ? owner : undefined;
  return [
    ...facts.configs.flatMap(({ config, now }) => {
      const owner = unnamed(seen(now)?.owner);
      const key = `${config.key} in ${config.namespace}/${config.name}`;
      return owner
        ? [`${key} is kept by ${owner.manager}, which would put the old value back; ${remedyFor(owner, "key")}`]
        : [];
    }),
    ...facts.pods.flatMap(({ side, deployment, found, autoscaler }) => {
      const least = autoscaler && seen(autoscaler)?.owner?.owner;
      const owner = side === "to" ? (unnamed(seen(found)?.owner) ?? unnamed(least)) : undefined;
      const what = `the number of pods of ${deployment.namespace}/${deployment.name} in ${deployment.region}`;
      return owner
        ? [`${what} is kept by ${owner.manager}, which would put it back; ${remedyFor(owner, "number")}`]
        : [];
    }),
    ...onSide(facts, "to").flatMap(({ entry, found }) => {
      const now = seen(found);
      return now ? [] : [`the ${spellGitOps(entry)} cannot be seen: ${whyUnseen(found) ?? "no answer"}`];
    }),
    ...(facts.gitops ?? []).flatMap(({ side, entry, found }) => {
      const now = seen(found);
      // What somebody else has paused is left to them; what Muster has gets a note of this run, too.
      if (!now || (now.paused && !now.heldFor)) return [];
      const { mayChange, paused, appliedBy, madeBy } = now;
      const what = `the ${spellGitOps(entry)}`;
      return [
        ...(mayChange ? [] : [`Muster may not pause ${what}`]),
        ...(appliedBy && !paused && !isPausedByMove(targets.gitops[side], appliedBy)
          ? [
              `Git says of ${what} whether it is paused, and ${appliedBy.manager} would resume it; ${remedyFor(appliedBy, "field")}`,
            ]
          : []),
        ...(madeBy ? makerBlockers(what, madeBy) : []),
      ];
    }),
  ];
}

/** An ApplicationSet's controller takes the annotations of a pause away at once, unless the set names them. */
function makerBlockers(what: string, maker: Maker): string[] {
  const { name, mayLook, takesAway } = maker;
  if (!mayLook)
    return [
      `Muster may not read the ApplicationSet ${name}, which made ${what} and may take its pause away; give its role the verb get on applicationsets`,
    ];
  if (takesAway.length === 0) return [];
  return [`the ApplicationSet ${name} made ${what} and would take its pause away; ${remedyForMaker(maker)}`];
}

/** Says of what in the old region nobody knows whether it can be paused, and what an earlier run will keep paused. */
export function gitOpsWarnings(facts: FailoverFacts): string[] {
  const unseen = onSide(facts, "from").flatMap(({ entry, found }) => {
    const why = whyUnseen(found);
    return why === undefined
      ? []
      : [
          `Whether the ${spellGitOps(entry)} can be paused is not known: ${why}. It may start again in the old region what the move stops there.`,
        ];
  });
  const left = (facts.gitops ?? []).flatMap(({ entry, found }) =>
    heldForOthers(facts.service, found)
      .filter(({ ended }) => ended)
      .map(
        ({ service, run }) =>
          `The ${spellGitOps(entry)} was left paused for ${service} by run ${run}, which has ended, and this move leaves it so. Once Git says of ${service} what is so, take the annotation ${noteFor(service)} away before this run ends, and it is resumed at its end.`,
      ),
  );
  return [...unseen, ...left];
}

const heldForOthers = (service: string, found: GitOpsFacts["found"]): Hold[] =>
  (seen(found)?.heldFor ?? []).filter((held) => held.service !== service);

/** Shows what is paused for the time of the move, and how it goes on. */
export function gitOpsRows({ nodes }: { nodes: PlanNode[] }, { gitops = [], service }: FailoverFacts): Preview["rows"] {
  const asked = nodes.some(({ step }) => step === trustGit.name);
  const after = asked ? "resumed once somebody says that Git is right" : "resumed at the end";
  return gitops.map(({ side, entry, found }) => {
    const label = `GitOps ${entry.region}`;
    const now = seen(found);
    const named = `${kindOf(entry.tool)} ${entry.namespace}/${entry.name}`;
    if (!now) return { label, value: `${named}: ${whyUnseen(found)}`, tone: side === "to" ? "bad" : "warn" };
    const others = heldForOthers(service, found).map((held) => held.service);
    if (now.paused && !now.heldFor) return { label, value: `${named}: paused already; it stays so` };
    const shared = others.length > 0 ? `, where ${others.join(" and ")} no longer needs it paused` : "";
    return { label, value: `${named}: paused for the move, ${after}${shared}` };
  });
}

const onSide = ({ gitops = [] }: FailoverFacts, wanted: "to" | "from"): GitOpsFacts[] =>
  gitops.filter(({ side }) => side === wanted);

const target = ({ cluster, tool, namespace, name }: GitOpsEntry): GitOpsTarget => ({ cluster, tool, namespace, name });
