import type { CallContext, CallOptions } from "../call.ts";
import type { Cluster } from "./kubernetes-client.ts";
import { NextRead } from "./next-read.ts";

/** Who asks, and how long for. */
type Asker = { ctx: CallContext; options: CallOptions };

const reads = new WeakMap<Cluster, Map<string, NextRead<Asker, unknown>>>();

/**
 * Asks a cluster something that is the same for many: whoever asks while the question is under way shares the next answer.
 * A thousand services of one namespace that are looked at together ask a few times, and not a thousand times. `what` names
 * the question; `ask` must ask the same for the same name.
 */
export function askOnce<T>(
  ctx: CallContext,
  cluster: Cluster,
  what: string,
  ask: (ctx: CallContext, options: CallOptions) => Promise<T>,
  options: CallOptions = {},
): Promise<T> {
  const ofCluster = reads.get(cluster) ?? new Map<string, NextRead<Asker, unknown>>();
  reads.set(cluster, ofCluster);
  const read =
    ofCluster.get(what) ??
    new NextRead<Asker, unknown>(async (askers) => {
      const [first] = askers;
      // One who gives up must not take the answer from the others.
      const found = await ask(first?.ctx ?? ctx, askers.length === 1 ? (first?.options ?? {}) : {});
      return () => found;
    });
  ofCluster.set(what, read);
  return read.ask({ ctx, options }, options.signal) as Promise<T>;
}
