import { getConfigKey, setConfigKey } from "../adapters/kubernetes.ts";
import type { Owner } from "../adapters/kubernetes-owners.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import type { ConfigKey } from "../estate.ts";
import { explainAs } from "./explain.ts";
import { look, whyUnseen, type Fact } from "./fact.ts";
import { mayHold } from "../steps/targets.ts";
import type { Targets } from "./targets.ts";

export type ConfigFacts = {
  config: ConfigKey;
  now: Fact<{ value: string | null; resourceVersion: string; owner?: Owner }>;
  /** Whether the API server would take the change: the same patch, tried without effect. */
  dryRun: Fact<{ accepted: true }>;
};

/** Looks at the keys that will name the new database, and, told its address, has the API server check the change without making it. */
export function lookAtConfigs(ctx: Context, { configs }: Targets, wanted?: string): Promise<ConfigFacts[]> {
  return Promise.all(
    configs.map(async (config) => {
      const now = await readKey(ctx, config);
      return { config, now, dryRun: await tryChange(ctx, config, now, wanted) };
    }),
  );
}

function readKey(ctx: Context, { cluster, ...ref }: ConfigKey): Promise<ConfigFacts["now"]> {
  return look(
    ctx,
    async () => {
      const found = await getConfigKey(ctx, ctx.clients.cluster(cluster), ref);
      if (!found) return unknown(`the cluster ${cluster} has no config map ${ref.namespace}/${ref.name}`);
      const { value = null, resourceVersion, owner } = found;
      if (!mayHold(value)) return unknown("it holds more than a host name, which Muster neither shows nor replaces");
      return { value, resourceVersion, ...(owner ? { owner } : {}) };
    },
    explainAs(`the cluster ${cluster}`),
  );
}

function tryChange(
  ctx: Context,
  { cluster, ...ref }: ConfigKey,
  now: ConfigFacts["now"],
  wanted: string | undefined,
): Promise<ConfigFacts["dryRun"]> {
  return look(
    ctx,
    async () => {
      if (!("seen" in now)) return unknown(whyUnseen(now) ?? "it was not seen");
      if (wanted === undefined) return unknown("the address of the new database is not known");
      const { resourceVersion } = now.seen;
      const change = { value: wanted, resourceVersion, dryRun: true };
      await setConfigKey(ctx, ctx.clients.cluster(cluster), ref, change);
      return { accepted: true as const };
    },
    explainAs(`the cluster ${cluster}`),
  );
}
