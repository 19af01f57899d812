import { getConfigKey, getScale, isConflict, setConfigKey, setScale } from "../adapters/kubernetes.ts";
import { promoteReplica } from "../adapters/rds.ts";
import { getWeightedRecords, replaceWeights } from "../adapters/route53.ts";
import { probe } from "../adapters/probe.ts";
import { postMessage } from "../adapters/slack.ts";
import { makeSlack } from "../adapters/slack-client.ts";
import type { CallContext } from "../call.ts";
import { readConfig } from "../config.ts";
import type { Context } from "../context.ts";
import { openContext } from "../main.ts";
import { east, endpointOf, instances, record, west, zone } from "./estate.ts";
import type { Lab } from "./lab.ts";
import { ask } from "./postgres-pair.ts";

/** The validation is given up after so many lab seconds. */
const longestSeconds = 3600;
const betweenLooksSeconds = 5;
/** The slowest answer with which its validation passes, in wall milliseconds: what Muster asks of health pages, too. */
const slowestMs = 1000;

const app = { namespace: "shop", name: "checkout" };
const config = { namespace: "shop", name: "app-config", key: "DB_HOST" };

/**
 * Plays what teams have today: the emergency script that this project began with. Its actions in its order, with no wait
 * between them, then its own validation until it passes: the health page answers, the database takes connections and has
 * users, and the health page answers in under a second. Sent by the same clients that Muster has. Returns the lab seconds it
 * took, or null where it never passed.
 */
export async function playEmergencyScript(lab: Lab, replicas: number): Promise<number | null> {
  const { ctx, close } = await openContext(readConfig(lab.environment), {
    clock: lab.time.clock,
    env: lab.environment,
  });
  try {
    // Whoever runs a script has its tools loaded.
    await ctx.clients.cluster("west").prepare();
    return await playActions(ctx, lab, replicas);
  } finally {
    await close();
  }
}

type Tools = CallContext & Pick<Context, "clients" | "clock" | "now">;

/** Plays the script by itself, with the tools it has. */
export async function playActions(
  ctx: Tools,
  world: Pick<Lab, "pair" | "slack">,
  replicas: number,
): Promise<number | null> {
  const startedAt = ctx.now().getTime();
  await notifyStakeholders(ctx, world.slack);
  await stopTrafficToPrimary(ctx);
  await promoteReplica(ctx, ctx.clients.rds(west), instances[west], { backupRetentionDays: 7 });
  await updateConfiguration(ctx);
  await scaleUp(ctx, replicas);
  while (!(await validates(ctx, world.pair))) {
    if (ctx.now().getTime() - startedAt > longestSeconds * 1000) return null;
    await ctx.clock.sleep(betweenLooksSeconds);
  }
  return (ctx.now().getTime() - startedAt) / 1000;
}

/** Tells the channel for incidents. The script goes on after errors, so also where Slack does not take it. */
async function notifyStakeholders(ctx: Tools, slack: Lab["slack"]): Promise<void> {
  const text = `FAILOVER_INITIATED: Manual failover from ${east} to ${west} initiated`;
  const draft = { channel: "#incident-response", text, key: "emergency-script" };
  await postMessage(ctx, makeSlack(slack), draft).catch(() => undefined);
}

async function stopTrafficToPrimary(ctx: Tools): Promise<void> {
  const dns = { zone: zone.id, name: record, type: "A" as const, ttl: 60 };
  const from = await getWeightedRecords(ctx, ctx.clients.route53, dns);
  await replaceWeights(ctx, ctx.clients.route53, dns, { from, weights: { [west]: 100 } });
}

async function updateConfiguration(ctx: Tools): Promise<void> {
  const cluster = ctx.clients.cluster("west");
  const now = await getConfigKey(ctx, cluster, config);
  await setConfigKey(ctx, cluster, config, { value: endpointOf(west), resourceVersion: now?.resourceVersion ?? "" });
}

/** As kubectl does it: who meets the controller, which writes the deployment's status, tries again. */
async function scaleUp(ctx: Tools, replicas: number): Promise<void> {
  const cluster = ctx.clients.cluster("west");
  const isDone = async () => {
    const now = await getScale(ctx, cluster, app);
    const set = setScale(ctx, cluster, app, { replicas, resourceVersion: now?.resourceVersion ?? "" });
    return set.then(
      () => true,
      (error: unknown) => (isConflict(error) ? false : Promise.reject(error as Error)),
    );
  };
  while (!(await isDone()));
}

async function validates(ctx: Tools, pair: Lab["pair"]): Promise<boolean> {
  const answers = async (limitMs: number) =>
    (await probe(ctx, ctx.clients.web, { url: `https://${record}:8080/health`, limitMs })).ok;
  // However slow an answer is, it counts the first time, as long as the call's time limit lets it.
  if (!(await answers(Infinity))) return false;
  // A server that is rebooting fails the validation, and the script with it, until it is back.
  const asked = ask<{ count: number }>(pair.replica.server, "select count(*)::int as count from users");
  const rows = await asked.catch(() => []);
  return (rows[0]?.count ?? 0) > 0 && (await answers(slowestMs));
}
