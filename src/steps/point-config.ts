import { getConfigKey, isRefusedByCluster, listPods, setConfigKey } from "../adapters/kubernetes.ts";
import type { ConfigValue } from "../adapters/kubernetes.ts";
import { CannotContinue } from "../errors.ts";
import { step, type StepContext } from "../engine/step.ts";
import { intended } from "./own-journal.ts";
import { spelt, type ConfigTarget, type DeploymentTarget } from "./targets.ts";

export type PointConfigInput = {
  service: string;
  toRegion: string;
  /** Keys of the new region that name its database. */
  configs: ConfigTarget[];
  /** The new region's database host. */
  host: string;
  /** Who reads the keys: their pods are noted, because a pod keeps what it read when it started. */
  deployments: DeploymentTarget[];
  /** What would put the keys back was paused by an earlier step. */
  gitopsPaused?: true;
};

type SeenKey = ConfigTarget & ConfigValue;

/** Also the result that restart-pods reads. */
export type PointConfigSeen = {
  keys: SeenKey[];
  /** This run changed a key, so that pods alive now may have read the old value. */
  changed: boolean;
  /** UIDs of the pods alive when that was seen. */
  pods: string[];
};

/** Points the configuration of the new region at its own database. */
export const pointConfig = step<PointConfigInput, PointConfigSeen>({
  name: "point-config",
  title: ({ service, toRegion, host }) => `point ${service} in ${toRegion} at the database ${host}`,

  async observe(ctx, { service, configs, deployments }) {
    const keys = await Promise.all(configs.map((config) => lookAtKey(ctx, config)));
    // After the keys: whoever started before the change is in the list, and perhaps one who started after it.
    const pods = await Promise.all(
      deployments.map((ref) => listPods(ctx, ctx.clients.cluster(ref.cluster), ref, { signal: ctx.signal })),
    );
    const changed = await intended(ctx, `${service}/point-config`);
    return { keys, changed, pods: pods.flat().map(({ uid }) => uid) };
  },

  missing({ keys }, { host }) {
    const wrong = keys.find(({ value }) => value !== host);
    return wrong && `${wrong.key} of ${spelt(wrong)} is ${spellValue(wrong.value)}, not ${host}`;
  },

  async apply(ctx, { host, gitopsPaused }, { seen }) {
    const wrong = seen.keys.filter(({ value }) => value !== host);
    for (const key of wrong) if (key.owner?.gitops && !gitopsPaused) throw ownedByGitOps(key, host);
    for (const key of wrong) await write(ctx, key, host);
  },

  hadNoEffect: (error) => error instanceof CannotContinue || isRefusedByCluster(error),

  undo: {
    async apply(ctx, _input, { seen, before }) {
      for (const key of seen.keys) {
        const former = formerly(before, key);
        if (former && former.value !== key.value) await write(ctx, key, former.value);
      }
    },
    missing(seen, before) {
      const other = seen.keys.find((key) => formerly(before, key)?.value !== key.value);
      return other && `${other.key} of ${spelt(other)} is ${spellValue(other.value)} still`;
    },
  },

  patienceSeconds: 60,
  settleSeconds: 10,
  pollSeconds: 3,
});

async function lookAtKey(ctx: StepContext, config: ConfigTarget): Promise<SeenKey> {
  const found = await getConfigKey(ctx, ctx.clients.cluster(config.cluster), config, { signal: ctx.signal });
  if (found) return { ...config, ...found };
  throw new CannotContinue({
    happened: `There is no config map ${spelt(config)}.`,
    means: "Nothing was pointed anywhere.",
    todo: "Create it, then press Continue. If its name in the estate is wrong: press Undo, correct it, and type the command anew.",
  });
}

async function write(ctx: StepContext, key: SeenKey, value: string | undefined): Promise<void> {
  const change = { value, resourceVersion: key.resourceVersion };
  await setConfigKey(ctx, ctx.clients.cluster(key.cluster), key, change, { signal: ctx.signal });
}

function formerly(before: PointConfigSeen, key: ConfigTarget): SeenKey | undefined {
  return before.keys.find(
    (other) =>
      other.cluster === key.cluster &&
      other.namespace === key.namespace &&
      other.name === key.name &&
      other.key === key.key,
  );
}

const spellValue = (value: string | undefined): string => (value === undefined ? "not set" : value);

function ownedByGitOps(key: SeenKey, host: string): CannotContinue {
  const manager = key.owner?.manager ?? "a GitOps controller";
  return new CannotContinue({
    happened: `${key.key} of ${spelt(key)} belongs to ${manager}, which would put ${spellValue(key.value)} back.`,
    means: "The key was not changed, and customers are where they were.",
    todo: `Set ${key.key} to ${host} in Git, then press Continue; or undo this run, name its keeper under gitops in the estate, and ask again.`,
  });
}
