import { listPods } from "../adapters/kubernetes-pods.ts";
import { getConfigKeys, setConfigKeys } from "../adapters/kubernetes.ts";
import type { ConfigValue } from "../adapters/kubernetes.ts";
import { CannotContinue, correctEstate, endTheRun } from "../errors.ts";
import { step, type StepContext } from "../engine/step.ts";
import { capital } from "../spelling.ts";
import { changedNothing, changeEach, changeShared } from "./conflicts.ts";
import { lookAtEach, notPausedAnyMore, pausedIn } from "./gitops.ts";
import { intended } from "./own-journal.ts";
import { mayHold, spelt, type ConfigTarget, type DeploymentTarget } from "./targets.ts";

export type PointConfigInput = {
  service: string;
  toRegion: string;
  /** Keys of the new region that name its database. */
  configs: ConfigTarget[];
  /** The new region's database host. */
  host: string;
  /** Who reads the keys: their pods are noted, because a pod keeps what it read when it started. */
  deployments: DeploymentTarget[];
  /** What would put the keys back was paused by an earlier step, whose result is read. */
  gitopsPaused?: true;
};

type SeenKey = ConfigTarget & ConfigValue;

/** Also the result that restart-pods reads. */
export type PointConfigSeen = {
  keys: SeenKey[];
  /** This run changed a key, so that pods alive now may have read the old value. */
  changed: boolean;
  /** UIDs of the pods alive when that was seen, but for those that were ending. */
  pods: string[];
};

/** Points the configuration of the new region at its own database. */
export const pointConfig = step<PointConfigInput, PointConfigSeen>({
  name: "point-config",
  title: ({ service, toRegion, host }) => `point ${service} in ${toRegion} at the database ${host}`,

  async observe(ctx, { service, configs, deployments }) {
    const keys = (await Promise.all(mapsOf(configs).map((map) => lookAtKeys(ctx, map)))).flat();
    // After the keys: whoever started before the change is in the list, and perhaps one who started after it.
    const pods = await Promise.all(
      deployments.map((ref) => listPods(ctx, ctx.clients.cluster(ref.cluster), ref, { signal: ctx.signal })),
    );
    const changed = await intended(ctx, `${service}/point-config`);
    const staying = pods.flat().filter(({ terminating }) => !terminating);
    return { keys, changed, pods: staying.map(({ uid }) => uid) };
  },

  missing({ keys }, { host }) {
    const wrong = keys.find(({ value }) => value !== host);
    return wrong && `${wrong.key} of ${spelt(wrong)} is ${spellValue(wrong.value)}, not ${host}`;
  },

  async apply(ctx, { service, host, gitopsPaused }, { seen, reads }) {
    const mayWrite = (key: SeenKey) => {
      if (key.owner?.gitops && !gitopsPaused) throw ownedByGitOps(key, host);
    };
    const wrong = seen.keys.filter(({ value }) => value !== host);
    for (const key of wrong) mayWrite(key);
    if (wrong.some(({ owner }) => owner?.gitops)) {
      // Somebody may have resumed it since, and would have the old value written back.
      const paused = await lookAtEach(ctx, service, pausedIn(reads["pause-gitops"]));
      const resumed = notPausedAnyMore(paused);
      if (resumed !== undefined) throw noLongerPaused(resumed);
    }
    await write(ctx, seen.keys, { wanted: () => host, mayWrite });
  },

  hadNoEffect: changedNothing,

  undo: {
    async apply(ctx, _input, { seen, before }) {
      const known = seen.keys.filter((key) => formerly(before.keys, key));
      await write(ctx, known, { wanted: (key) => formerly(before.keys, key)?.value });
    },
    missing(seen, before) {
      const other = seen.keys.find((key) => formerly(before.keys, key)?.value !== key.value);
      return other && `${other.key} of ${spelt(other)} is ${spellValue(other.value)} still`;
    },
  },

  patienceSeconds: 60,
  settleSeconds: 10,
  pollSeconds: 3,
});

/** Keys, by the map that they are in: of one map they are read and written together. */
const mapsOf = <Key extends ConfigTarget>(keys: readonly Key[]): Key[][] => [
  ...Map.groupBy(keys, ({ cluster, namespace, name }) => `${cluster} ${namespace}/${name}`).values(),
];

async function lookAtKeys(ctx: StepContext, configs: readonly ConfigTarget[]): Promise<SeenKey[]> {
  const [map] = configs;
  if (!map) return [];
  const found = await getConfigKeys(ctx, ctx.clients.cluster(map.cluster), map, { signal: ctx.signal });
  if (found) {
    for (const { key } of configs) if (!mayHold(found(key).value)) throw holdsMore(map, key);
    return configs.map(({ cluster, namespace, name, key }) => ({ cluster, namespace, name, key, ...found(key) }));
  }
  throw new CannotContinue({
    happened: `There is no config map ${spelt(map)}.`,
    means: "Nothing was pointed anywhere.",
    todo: `Create it, then press Continue. If its name in the estate is wrong: ${correctEstate("it")}.`,
  });
}

type Writing = { wanted: (key: ConfigTarget) => string | undefined; mayWrite?: (key: SeenKey) => void };

/** Writes each key that is not as wanted. Other services may write theirs into the same map in the same moment. */
async function write(ctx: StepContext, keys: readonly SeenKey[], { wanted, mayWrite }: Writing): Promise<void> {
  const isWrong = (key: SeenKey) => key.value !== wanted(key);
  await changeEach(mapsOf(keys.filter(isWrong)), (map) =>
    changeShared(ctx, map, {
      look: () => lookAtKeys(ctx, map),
      async change(now) {
        const wrong = now.filter(isWrong);
        const [first] = wrong;
        if (!first) return;
        for (const key of wrong) mayWrite?.(key);
        const values = Object.fromEntries(wrong.map((key) => [key.key, wanted(key)]));
        const { cluster, resourceVersion } = first;
        await setConfigKeys(
          ctx,
          ctx.clients.cluster(cluster),
          first,
          { values, resourceVersion },
          { signal: ctx.signal },
        );
      },
      isTheirs: (now) => now.some((key) => isWrong(key) && formerly(map, key)?.value !== key.value),
    }),
  );
}

const formerly = (before: readonly SeenKey[], { cluster, namespace, name, key }: ConfigTarget): SeenKey | undefined =>
  before.find(
    (other) => other.cluster === cluster && other.namespace === namespace && other.name === name && other.key === key,
  );

const spellValue = (value: string | undefined): string => (value === undefined ? "not set" : value);

function holdsMore(map: ConfigTarget, key: string): CannotContinue {
  return new CannotContinue({
    happened: `${key} of ${spelt(map)} holds more than a host name, which Muster neither shows nor replaces.`,
    means: "Muster did not change it: with a host alone in its place the pods might not start.",
    todo: `Put the database's host name there, then press Continue. Or have the estate name a key that holds the host alone: ${correctEstate()}.`,
  });
}

function ownedByGitOps(key: SeenKey, host: string): CannotContinue {
  const manager = key.owner?.manager ?? "a GitOps controller";
  return new CannotContinue({
    happened: `${key.key} of ${spelt(key)} belongs to ${manager}, which would put ${spellValue(key.value)} back.`,
    means: "The key was not changed.",
    todo: `Set ${key.key} to ${host} in Git, then press Continue. Or have the estate name its keeper under gitops: ${correctEstate()}.`,
  });
}

function noLongerPaused(resumed: string): CannotContinue {
  return new CannotContinue({
    happened: `${capital(resumed)}.`,
    means: "A key that it keeps would be put back. None was changed.",
    todo: `Find out who resumed it. Pause it again, then press Continue; or end the run: ${endTheRun}.`,
  });
}
