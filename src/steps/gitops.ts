import { getGitOps, kindOf, pauseGitOps, resumeGitOps } from "../adapters/kubernetes-gitops.ts";
import type { GitOps, GitOpsTool } from "../adapters/kubernetes-gitops.ts";
import { CannotContinue, correctEstate } from "../errors.ts";
import type { Json, StepContext } from "../engine/step.ts";
import { changeEach, changeShared } from "./conflicts.ts";

/** An Application of Argo CD, or a Kustomization or HelmRelease of Flux, that keeps a service's objects as Git says. */
export type GitOpsTarget = { cluster: string; tool: GitOpsTool; namespace: string; name: string };

export type GitOpsInput = { service: string; region: string; objects: GitOpsTarget[] };

/** One of them as it was seen, and whether this run holds it for this service. */
export type SeenGitOps = GitOpsTarget & GitOps & { ours: boolean };

export type GitOpsSeen = { objects: SeenGitOps[] };

/** Names one for a sentence. */
export const spellGitOps = ({ tool, cluster, namespace, name }: GitOpsTarget): string =>
  `${kindOf(tool)} ${namespace}/${name} in the cluster ${cluster}`;

/** Which of them a run paused, by the result of a step that did, as its journal keeps it. */
export const heldIn = (result: Json): GitOpsTarget[] =>
  objectsIn(result).filter((object) => object["ours"] === true) as GitOpsTarget[];

/** Which of them were seen paused by that step, whoever paused them. */
export const pausedIn = (result: Json | undefined): GitOpsTarget[] => objectsIn(result) as GitOpsTarget[];

function objectsIn(result: Json | undefined): { [key: string]: Json | undefined }[] {
  const objects = isObject(result) ? result["objects"] : undefined;
  return Array.isArray(objects) ? objects.filter(isObject) : [];
}

const isObject = (value: Json | undefined): value is { [key: string]: Json | undefined } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Names several. */
export const spellAll = (objects: readonly GitOpsTarget[]): string =>
  objects.map((object) => `the ${spellGitOps(object)}`).join(" and ");

/** Looks at each. @throws CannotContinue when one is not there. */
export async function lookAtEach(
  ctx: StepContext,
  service: string,
  objects: readonly GitOpsTarget[],
): Promise<SeenGitOps[]> {
  return Promise.all(objects.map((target) => lookAtOne(ctx, service, target)));
}

async function lookAtOne(ctx: StepContext, service: string, target: GitOpsTarget): Promise<SeenGitOps> {
  const found = await getGitOps(ctx, ctx.clients.cluster(target.cluster), target, { signal: ctx.signal });
  if (!found) throw notThere(target);
  return { ...target, ...found, ours: found.holds[service] === ctx.runId };
}

/** One that somebody else paused is left to them; one that Muster paused for another service is held for this one, too. */
const isPaused = ({ paused, ours, holds }: SeenGitOps): boolean => paused && (ours || Object.keys(holds).length === 0);

/** Says which one still puts back what Git says. */
export function notPaused(objects: readonly SeenGitOps[]): string | undefined {
  const running = objects.find((object) => !isPaused(object));
  return running && `the ${spellGitOps(running)} is not paused for this run`;
}

/** Says which one was resumed since it was paused. */
export function notPausedAnyMore(objects: readonly SeenGitOps[]): string | undefined {
  const resumed = objects.find(({ paused }) => !paused);
  return resumed && `the ${spellGitOps(resumed)} is not paused any more`;
}

/** Pauses those that are not. Each may be paused by others of the wave in the same moment. */
export async function pauseEach(ctx: StepContext, service: string, objects: readonly SeenGitOps[]): Promise<void> {
  const running = objects.filter((object) => !isPaused(object));
  await changeEach(running, (object) =>
    changeShared(ctx, object, {
      look: () => lookAtOne(ctx, service, object),
      change: async (now) => {
        if (isPaused(now)) return;
        const change = { service, runId: ctx.runId, resourceVersion: now.resourceVersion };
        await pauseGitOps(ctx, ctx.clients.cluster(now.cluster), now, change, { signal: ctx.signal });
      },
    }),
  );
}

/** Says which one this run still holds. */
export function notResumed(objects: readonly SeenGitOps[]): string | undefined {
  const held = objects.find(({ ours }) => ours);
  return held && `the ${spellGitOps(held)} is still paused by this run`;
}

/** Lets go of those that this run holds, and of no other. */
export async function resumeEach(ctx: StepContext, service: string, objects: readonly SeenGitOps[]): Promise<void> {
  const held = objects.filter(({ ours }) => ours);
  await changeEach(held, (object) =>
    changeShared(ctx, object, {
      look: () => lookAtOne(ctx, service, object),
      change: async (now) => {
        if (!now.ours) return;
        const change = { service, seen: now };
        await resumeGitOps(ctx, ctx.clients.cluster(now.cluster), now, change, { signal: ctx.signal });
      },
    }),
  );
}

function notThere(target: GitOpsTarget): CannotContinue {
  return new CannotContinue({
    happened: `There is no ${spellGitOps(target)}.`,
    means: "Nothing was paused or resumed.",
    todo: `Create it, then press Continue. If its name in the estate is wrong: ${correctEstate("it")}.`,
  });
}
