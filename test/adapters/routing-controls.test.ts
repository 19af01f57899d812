import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import {
  Route53RecoveryClusterClient,
  UpdateRoutingControlStatesCommand,
} from "@aws-sdk/client-route53-recovery-cluster";
import {
  changedNothing,
  isConflict,
  readControls,
  readEnough,
  setControls,
  type ClusterEndpoint,
  type ControlStates,
} from "../../src/adapters/routing-controls.ts";
import { Activity } from "../../src/activity.ts";
import type { CallContext } from "../../src/call.ts";
import { Clock } from "../../src/clock.ts";
import { CannotContinue } from "../../src/errors.ts";
import { east, routingControls as controls, west } from "../../src/lab/estate.ts";
import { clusterRegions, openRecoveryCluster, type RecoveryCluster } from "../../src/lab/recovery-cluster.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { controlPanel } from "../../src/lab/routing.ts";

const nothing = () => undefined;
const ctx: CallContext = {
  point: () => Promise.resolve(),
  activity: new Activity(),
  callTimeoutMs: 3000,
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  redact: (text) => text,
};
const goWest: ControlStates = { [east]: "Off", [west]: "On" };

describe("routing controls behind five endpoints", () => {
  let log: RequestLog;
  let clock: Clock;
  let cluster: RecoveryCluster;
  let endpoints: ClusterEndpoint[];
  const clients: Route53RecoveryClusterClient[] = [];
  const clientOf = ({ region, url }: ClusterEndpoint) => {
    const credentials = { accessKeyId: "AKIDLAB", secretAccessKey: "lab" };
    const client = new Route53RecoveryClusterClient({ region, endpoint: url, credentials, maxAttempts: 1 });
    clients.push(client);
    return client;
  };
  const readAt = (endpoint: ClusterEndpoint) => readControls(ctx, clientOf(endpoint), { endpoint, controls });
  const set = (states: ControlStates) => setControls(ctx, clientOf, { endpoints, controls, states });
  const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);
  const asked = (action: string) => log.of("arc", action).length;

  beforeAll(async () => {
    clock = new Clock();
  });
  beforeEach(async () => {
    log = new RequestLog(clock);
    cluster = await openRecoveryCluster({ log, clock, host: "127.199.44.6", ...controlPanel() });
    endpoints = cluster.endpoints;
  });
  afterAll(() => clients.forEach((client) => client.destroy()));
  const closed = async (work: () => Promise<void>) => {
    try {
      await work();
    } finally {
      await cluster.close();
    }
  };

  it("are read at each endpoint, and set both in one change that one endpoint takes for all", () =>
    closed(async () => {
      expect(endpoints.map(({ region }) => region)).toEqual([...clusterRegions]);
      for (const endpoint of endpoints) expect(await readAt(endpoint)).toEqual({ [east]: "On", [west]: "Off" });
      await set(goWest);
      for (const endpoint of endpoints) expect(await readAt(endpoint)).toEqual(goWest);
      // Twice is as once.
      const again = await openedLater(clock, () => set(goWest));
      expect(again).toBeUndefined();
      expect(log.all.flatMap(({ effects }) => effects.map(({ wanted }) => wanted))).toEqual([`${east}=Off ${west}=On`]);
    }));

  it("are behind at the endpoints that did not take the change, for a time", () =>
    closed(async () => {
      for (const knobs of Object.values(cluster.knobs)) knobs.readLagSeconds = 15;
      await set(goWest);
      const [first, second] = await Promise.all(endpoints.slice(0, 2).map(readAt));
      expect([first, second]).toEqual([goWest, { [east]: "On", [west]: "Off" }]);
    }));

  it("are set at the next endpoint where one refuses connections, is silent, is unavailable or slowed down", () =>
    closed(async () => {
      cluster.setRegion("us-east-1", "refuses");
      cluster.setRegion("us-west-2", "silent");
      cluster.knobs["eu-west-1"]?.next("UpdateRoutingControlStates", "throttle");
      await set(goWest);
      expect(cluster.isOn(controls[west])).toBe(true);
      expect(asked("UpdateRoutingControlStates")).toBe(2);
    }));

  it("are read at as many endpoints as are enough, one more for each that does not answer", () =>
    closed(async () => {
      cluster.setRegion("us-west-2", "refuses");
      const readings = await readEnough(ctx, clientOf, { endpoints, controls, enough: 3 });
      expect(readings).toEqual({
        "us-east-1": { states: { [east]: "On", [west]: "Off" } },
        "us-west-2": { failed: "breaks connections" },
        "eu-west-1": { states: { [east]: "On", [west]: "Off" } },
        "ap-northeast-1": { states: { [east]: "On", [west]: "Off" } },
      });
    }));

  it("are not set where the cluster has no majority, and it is said of each endpoint why", () =>
    closed(async () => {
      for (const region of clusterRegions.slice(0, 3)) cluster.setRegion(region, "refuses");
      const error = await caught(set(goWest));
      expect(error).toMatchObject({
        message: expect.stringMatching(
          /^no endpoint of the recovery cluster took the change: us-east-1 breaks connections; .*; ap-northeast-1 says: The cluster endpoint is not available/,
        ),
      });
      // A connection that broke may have carried it.
      expect(changedNothing(error)).toBe(false);
    }));

  it("are guarded by an assertion rule, which is told in three sentences and never overridden", () =>
    closed(async () => {
      const error = await caught(set({ [east]: "Off", [west]: "Off" }));
      expect(error).toMatchObject({
        message: expect.stringMatching(
          /^A safety rule of the recovery cluster refused to set us-east-1 Off and us-west-2 Off: The safety rule one-is-on requires at least 1 of its routing controls On \(SafetyRule arn:.*safetyrule\/\w+\)\. No routing control was changed, and Muster never overrides a safety rule\. Meet the rule/,
        ),
      });
      expect([isConflict(error), changedNothing(error), asked("UpdateRoutingControlStates")]).toEqual([true, true, 1]);
    }));

  it("are guarded by a gating rule until its gate is On, and by the wait after a change", () =>
    closed(async () => {
      const targets = Object.values(controls);
      const gate = { arn: controls[west], name: "gate" };
      cluster.rules.push({ kind: "gating", ...gate, gates: [gate.arn], targets, atLeast: 1, waitSeconds: 0 });
      expect(isConflict(await caught(set(goWest)))).toBe(true);
      cluster.rules.pop();
      await set(goWest);
      expect(await caught(set(goWest))).toMatchObject({ message: expect.stringContaining("is in its wait period") });
      await openedLater(clock, () => set(goWest));
    }));

  it("may have been set where nobody answered: a rule that rests then proves nothing", () =>
    closed(async () => {
      cluster.knobs["us-east-1"]?.next("UpdateRoutingControlStates", "hang-after");
      const error = await caught(set(goWest));
      expect([isConflict(error), changedNothing(error)]).toEqual([false, false]);
      expect(cluster.isOn(controls[west])).toBe(true);
    }));

  it.each([
    [
      "a right that is missing",
      /^AWS did not let Muster set us-west-2 On and us-east-1 Off \(route53-recovery-cluster:Upd/,
    ],
    ["a control that is not there", /^The recovery cluster does not have arn:.*gone \(ResourceNotFoundException\)\./],
  ])("say %s in three sentences, once no endpoint does better", (name, words) =>
    closed(async () => {
      if (name.startsWith("a right")) cluster.denied.add("UpdateRoutingControlStates");
      const at = name.startsWith("a right") ? controls : { ...controls, [west]: `${controls[west]}gone` };
      const error = await caught(setControls(ctx, clientOf, { endpoints, controls: at, states: goWest }));
      expect(error).toBeInstanceOf(CannotContinue);
      expect(error).toMatchObject({ message: expect.stringMatching(words) });
    }),
  );

  it("speak AWS JSON 1.0, and refuse what is signed for another region", () =>
    closed(async () => {
      const [endpoint] = endpoints;
      if (!endpoint) throw new Error("the cluster has no endpoints");
      const elsewhere = clientOf({ ...endpoint, region: "eu-west-1" });
      const command = new UpdateRoutingControlStatesCommand({ UpdateRoutingControlStateEntries: [] });
      expect(await caught(elsewhere.send(command))).toMatchObject({ name: "InvalidSignatureException" });
      const plain = await fetch(endpoint.url, {
        method: "POST",
        headers: { "x-amz-target": "ToggleCustomerAPI.List" },
      });
      expect([plain.status, plain.headers.get("content-type")]).toEqual([403, "application/x-amz-json-1.0"]);
    }));
});

/** Does something after the rest that the lab's rule takes. */
async function openedLater(clock: Clock, work: () => Promise<void>): Promise<void> {
  clock.set({ shows: new Date(clock.now().getTime() + 6000), rate: 1 });
  await work();
}
