import type { PlanNode } from "./plan.ts";

/**
 * Services that are turned back with a run, given those past the point of no return: all others, but for services that
 * change nothing and that a service going forward waits for. So what would only make way for services on their way back
 * (the start of a wave that does not begin) is turned back with them, and has nothing left to do. Pure.
 */
export function turningBack(nodes: readonly PlanNode[], past: ReadonlySet<string>): Set<string> {
  const changed = new Set(nodes.filter(({ changes }) => changes).map(({ service }) => service));
  const forward = new Set(past);
  const awaited = new Set<string>();
  // A node stands behind those it waits for, so whoever waits is met first.
  for (const node of nodes.toReversed()) {
    if (awaited.has(node.id) && !changed.has(node.service)) forward.add(node.service);
    if (forward.has(node.service)) for (const id of node.after) awaited.add(id);
  }
  return new Set(nodes.map(({ service }) => service)).difference(forward);
}
