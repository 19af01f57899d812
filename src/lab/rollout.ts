import type { PodView } from "./pods.ts";

/** What a deployment wants of its pods. Pods of another revision are replaced. */
export type Wanted = { replicas: number; revision: number; annotations: Record<string, string> };

/** Works out how many pods to start and which to end now, as the deployment controller does with its default of 25%. */
export function nextMove(
  pods: readonly PodView[],
  { replicas, revision }: Wanted,
): { starts: number; ends: PodView[] } {
  const alive = pods.filter((pod) => !pod.deletedAt);
  const current = alive.filter((pod) => pod.revision === revision);
  const old = alive.filter((pod) => pod.revision !== revision);
  const tooMany = leastUseful(current).slice(0, Math.max(0, current.length - replicas));
  if (old.length === 0) return { starts: Math.max(0, replicas - current.length), ends: tooMany };

  const room = replicas + Math.ceil(replicas / 4) - alive.length;
  const least = replicas - Math.floor(replicas / 4);
  const spare = alive.length - least - current.filter((pod) => !pod.ready).length;
  const broken = old.filter((pod) => !pod.ready).slice(0, Math.max(0, spare));
  const ready = alive.filter((pod) => pod.ready).length;
  const healthy = leastUseful(old.filter((pod) => pod.ready)).slice(0, spare > 0 ? Math.max(0, ready - least) : 0);
  return {
    starts: Math.max(0, Math.min(replicas - current.length, room)),
    ends: [...tooMany, ...broken, ...healthy],
  };
}

/** Pods that are not ready go first, then the youngest. */
function leastUseful(pods: readonly PodView[]): PodView[] {
  return pods.toSorted(
    (one, other) => Number(one.ready) - Number(other.ready) || other.createdAt.getTime() - one.createdAt.getTime(),
  );
}
