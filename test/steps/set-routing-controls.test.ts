import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Route53RecoveryClusterClient } from "@aws-sdk/client-route53-recovery-cluster";
import type { ClusterEndpoint } from "../../src/adapters/routing-controls.ts";
import { Activity } from "../../src/activity.ts";
import { Clock } from "../../src/clock.ts";
import { isUnknown, type StepContext } from "../../src/engine/step.ts";
import { east, routingControls, west } from "../../src/lab/estate.ts";
import { clusterRegions, openRecoveryCluster, type RecoveryCluster } from "../../src/lab/recovery-cluster.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { controlPanel } from "../../src/lab/routing.ts";
import { setRoutingControls, type SetRoutingControlsSeen } from "../../src/steps/set-routing-controls.ts";
import { inputs } from "./inputs.ts";

const nothing = () => undefined;

/** The step at a recovery cluster and nothing else: name servers are asked in the contract of all steps, and in the story. */
describe("the routing controls that send customers to the new region", () => {
  const clock = new Clock({ shows: new Date(), rate: 100 });
  const log = new RequestLog(clock);
  let cluster: RecoveryCluster;
  const clients = new Map<string, Route53RecoveryClusterClient>();
  const recoveryCluster = ({ region, url }: ClusterEndpoint) => {
    const credentials = { accessKeyId: "AKIDLAB", secretAccessKey: "lab" };
    const client = new Route53RecoveryClusterClient({ region, endpoint: url, credentials, maxAttempts: 1 });
    return clients.get(region) ?? clients.set(region, client).get(region) ?? client;
  };
  // A part of what steps may reach: all that this one does.
  const ctx = {
    clients: { recoveryCluster },
    clock,
    random: () => 0,
    signal: new AbortController().signal,
    point: () => Promise.resolve(),
    activity: new Activity(),
    callTimeoutMs: 3000,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    redact: (text: string) => text,
  } as unknown as StepContext;
  const input = () => ({ ...inputs.setRoutingControls, endpoints: cluster.endpoints });
  const look = async (): Promise<SetRoutingControlsSeen> => {
    const seen = await setRoutingControls.observe(ctx, input(), {});
    if (isUnknown(seen)) throw new Error(seen.unknown);
    return seen;
  };
  const updates = () => log.of("arc", "UpdateRoutingControlStates");
  const states = () => [east, west].map((region) => cluster.isOn(routingControls[region as typeof east]));

  beforeAll(async () => {
    cluster = await openRecoveryCluster({ log, clock, host: "127.199.44.7", ...controlPanel() });
  });
  afterAll(async () => {
    for (const client of clients.values()) client.destroy();
    await cluster.close();
  });

  it("are read at three endpoints, not at the one in the region that is left", async () => {
    const seen = await look();
    expect(Object.keys(seen.readings).toSorted()).toEqual(["ap-northeast-1", "eu-west-1", "us-west-2"]);
    expect(setRoutingControls.missing(seen, input(), {})).toBe("the routing control of us-west-2 is Off, not On");
  });

  it("are set once, wait for the rest of a rule when somebody changed them just now, and are put back as they were", async () => {
    const before = await look();
    const { undo } = setRoutingControls;
    if (!("apply" in undo)) throw new Error("it has no way back");
    // The clock stands nearly still until the rule has refused once: a busy machine must not outlast its wait period.
    clock.set({ shows: clock.now(), rate: 0.1 });
    await setRoutingControls.apply?.(ctx, input(), { before, seen: before, reads: {} });
    expect(states()).toEqual([false, true]);
    const there = await look();
    expect(setRoutingControls.missing(there, input(), {})).toBeUndefined();
    expect(undo.missing(there, before, input())).toBe("the routing control of us-east-1 is Off, not On");
    // At once: the rule is in its wait period.
    const undone = undo.apply(ctx, input(), { before, seen: there, reads: {} });
    while (updates().every(({ status }) => status !== 400)) await setTimeout(5);
    clock.set({ shows: clock.now(), rate: 100 });
    await undone;
    expect(states()).toEqual([true, false]);
    expect(updates().map(({ status, effects }) => [status, effects.length])).toEqual([
      [200, 1],
      [400, 0],
      [200, 1],
    ]);
    const back = await look();
    expect(undo.missing(back, before, input())).toBeUndefined();
    // Nothing is sent where nothing is to be put back.
    await undo.apply(ctx, input(), { before, seen: back, reads: {} });
    expect(updates()).toHaveLength(3);
  });

  it("count as most endpoints say; who is behind is told", async () => {
    const wanted = { states: { [east]: "Off", [west]: "On" } } as const;
    const old = { states: { [east]: "On", [west]: "Off" } } as const;
    const seen = { readings: { a: wanted, "eu-west-1": old, c: wanted }, answers: {} };
    expect(setRoutingControls.missing(seen, input(), {})).toBeUndefined();
    expect(setRoutingControls.found?.(seen, input())).toBe(
      "The cluster's endpoint in eu-west-1 still tells the old states of the routing controls.",
    );
  });

  it("cannot be seen where no endpoint answers, and it is said of each why", async () => {
    for (const region of clusterRegions) cluster.setRegion(region, "refuses");
    expect(await setRoutingControls.observe(ctx, input(), {})).toEqual({
      unknown: expect.stringMatching(
        /^no endpoint of the recovery cluster answers: ap-northeast-1 breaks connections; .*us-west-2 breaks connections$/,
      ),
    });
    for (const region of clusterRegions) cluster.setRegion(region, false);
  });
});
