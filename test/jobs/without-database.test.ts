import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import { previewLines } from "../../jobs/preview/lines.ts";
import { report, type ReportInput } from "../../jobs/report/failover.ts";
import { reportLines } from "../../jobs/report/lines.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { targetsOf } from "../../src/facts/targets.ts";
import { estateWithFront, front, healthy, saw, sawNothing } from "./facts.ts";

const estate = estateWithFront();
const input = { toRegion: "us-west-2", service: "front" };
const planOf = (facts: FailoverFacts, wanted: Parameters<typeof failover.plan>[1] = input) =>
  failover.plan(estate, wanted, facts);
const answering = (shares: Record<string, number>): FailoverFacts => ({
  ...front,
  dns: {
    ...front.dns,
    records: saw(
      Object.fromEntries(
        Object.entries(shares).map(([region, weight]) => [region, { weight, ttl: 60, values: ["127.0.0.11"] }]),
      ),
    ),
  },
});

describe("the plan for a service that keeps no data", () => {
  it("starts pods, checks them, and moves the customers", () => {
    const { nodes } = planOf(front);
    expect(nodes.map(({ step, after }) => `${step} < ${after.map((id) => id.split("/")[1]).join(", ")}`)).toEqual([
      "scale-deployment < ",
      "verify-service < scale-deployment",
      "shift-dns < verify-service",
      "verify-public < shift-dns",
      "watch-stability < verify-public",
    ]);
    expect(nodes[0]?.input).toMatchObject({ until: "ready" });
  });

  it("has no step without a way back", () => {
    expect(planOf(front).nodes.filter(({ oneWay }) => oneWay !== undefined)).toEqual([]);
  });

  it("is the same when a person forces it: there is no old side to wait for", () => {
    const forced = planOf(front, { ...input, force: "ungraceful" });
    const { nodes, claims, warnings } = planOf(front);
    expect(forced).toMatchObject({ nodes, claims, warnings });
  });

  it("is refused when every answer leads there already, and not before", () => {
    expect(() => planOf(answering({ "us-east-1": 0, "us-west-2": 100 }))).toThrow(
      "front is in us-west-2 already: it keeps no data of its own, and every DNS answer leads there.",
    );
    expect(planOf(answering({ "us-east-1": 50, "us-west-2": 50 })).blockers).toEqual([]);
  });

  it("is refused when the estate gained or lost the database meanwhile", () => {
    expect(() => planOf({ ...healthy, service: "front" })).toThrow(
      /^The estate file was changed .*its database is gone/,
    );
    expect(() => planOf({ ...front, service: "checkout" }, { ...input, service: "checkout" })).toThrow(
      /^The estate file was changed .*its database is new\. Nothing was changed\. Ask once more\.$/,
    );
  });
});

describe("the blockers of a service that keeps no data", () => {
  it.each<[string, FailoverFacts, string[]]>([
    ["are none in a healthy world", front, []],
    ["are none where the region that is left has no record", answering({ "us-west-2": 0 }), []],
    [
      "are those of the records",
      answering({ "us-east-1": 100 }),
      ["the zone Z0LAB has no weighted A record www.example.com for us-west-2"],
    ],
    [
      "are those of the new region's cluster, and not of the old one's",
      { ...front, pods: front.pods.map((pods) => ({ ...pods, found: sawNothing(`${pods.side} does not answer`) })) },
      ["the deployment shop/checkout in us-west-2 cannot be seen: to does not answer"],
    ],
  ])("%s", (_name, facts, blockers) => {
    expect(planOf(facts).blockers).toEqual(blockers);
  });
});

describe("the preview for a service that keeps no data", () => {
  it("speaks of no replica, no lag and no loss, and says what becomes of the pods that are left", () => {
    expect(previewLines(failover.preview(planOf(front), front))).toMatchInlineSnapshot(`
      [
        "Move front to us-west-2; it keeps no data of its own.",
        "  Pods of shop/checkout (us-west-2): 1 → 3",
        "  DNS shares of www.example.com: us-east-1: 100, us-west-2: 0 → us-east-1: 0, us-west-2: 100",
        "    Customers now         served (probe at 12:00:00 UTC)",
        "    Old side (us-east-1)  keeps no data, so that nothing is fenced there and its pods do no harm: they stay, for the way back",
        "    Time to recover       about 3 minutes from the last approval, 60 s of it the records' TTL (objective 60 minutes)",
        "    Pods us-west-2        0 ready of 1 asked for; 3 wanted afterwards",
        "    Pods us-east-1        3 ready of 3 asked for; they stay",
        "    Front door us-west-2  not healthy yet: it answers 503, certificate covers the name",
        "    DNS now               www.example.com: us-east-1: 100, us-west-2: 0, TTL 60 s",
        "    Names move            last: its pods are all it needs",
        "  ! Depends on us-east-1  the records: Route 53's control plane is there",
        "    Rights not proven     route53:ChangeResourceRecordSets: AWS tells only when they are used",
        "    Customers are told    on the status page: "We are moving the services named here to another location. Meanwhile they are unavailable for some minutes."",
        "    May approve           ana, ben, cleo: 2 of them, not the one who asked",
        "    Rules hit             none: it can be taken back until it ends",
        "  ! The records of www.example.com are changed through Route 53's control plane, which is in us-east-1.",
      ]
    `);
    expect(failover.preview(planOf(front), front).mode).toBe("");
  });
});

describe("the claims of a service that keeps no data", () => {
  const broken = (now: FailoverFacts) => failover.broken(planOf(front), now);

  it("are that it keeps none, and what DNS answers", () => {
    expect(planOf(front).claims.map(({ sentence }) => sentence)).toEqual([
      "front keeps no data of its own",
      "www.example.com is answered with us-east-1: 100, us-west-2: 0",
    ]);
    expect(broken(front)).toEqual([]);
  });

  it("break by name", () => {
    expect(broken(answering({ "us-east-1": 50, "us-west-2": 50 }))).toEqual([
      "no longer true: www.example.com is answered with us-east-1: 100, us-west-2: 0; now with us-east-1: 50, us-west-2: 50",
    ]);
    const { dns, ...grown } = healthy;
    expect(broken({ ...grown, dns: front.dns })).toEqual([
      "no longer true: front keeps no data of its own; the estate names a database of it now",
    ]);
    const before = failover.plan(estate, { ...input, service: "checkout" }, healthy);
    expect(failover.broken(before, { ...front, dns, configs: healthy.configs })).toEqual([
      "no longer true: checkout-db takes writes; the estate names no database of it now",
      "no longer true: checkout-db-west is a replica; the estate names no database of it now",
      "no longer true: checkout-db can be reached; the estate names no database of it now",
    ]);
  });
});

describe("the report of a service that keeps no data", () => {
  const moment = (seconds: number) => new Date(Date.parse("2026-11-23T12:00:00.000Z") + seconds * 1000);
  const at = (seconds: number, event: EventBody): JournalEvent => ({
    ...event,
    seq: seconds,
    epoch: 1,
    at: moment(seconds),
  });
  const done = (seconds: number, step: string) => at(seconds, { kind: "done", step: `front/${step}`, result: {} });
  const story: JournalEvent[] = [
    at(1, { kind: "proposed", by: "ana", planHash: "x" }),
    at(5, { kind: "approved", by: "ben", signal: 1 }),
    at(10, { kind: "approved", by: "cleo", signal: 2 }),
    at(11, { kind: "started" }),
    done(40, "scale-deployment"),
    done(45, "verify-service"),
    done(100, "shift-dns"),
    done(160, "verify-public"),
    done(220, "watch-stability"),
    at(221, { kind: "ended", outcome: "done" }),
  ];
  const told: ReportInput = {
    run: { id: "fo-1", plan: planOf(front) },
    events: story,
    probes: Array.from({ length: 23 }, (_, index) => ({ at: moment(index * 10).toISOString(), ok: true })),
    facts: front,
  };

  it("has no moment and no line of a database, and says why nothing was lost", () => {
    expect(reportLines(report(told))).toMatchInlineSnapshot(`
      [
        "Report of run fo-1: move front to us-west-2. Done.",
        "  Impact (first red probe)  unknown",
        "  Detected (confirmed)      unknown",
        "  Declared                  2026-11-23T12:00:01.000Z",
        "  Approved                  2026-11-23T12:00:10.000Z",
        "  Customers served again    2026-11-23T12:01:40.000Z",
        "  Window held               2026-11-23T12:03:40.000Z",
        "Service recovery: unknown, from the last green probe (objective 60 minutes).",
        "Of that the tool: 90 seconds, from the last approval; people: 9 seconds, until then.",
        "Writes lost: none; front keeps no data of its own.",
        "Probes as customers ask: 0 of 22 failed. Calls that failed on the way: 0. Workers taken over: 0.",
        "What now:",
        "  The pods of front in us-east-1 were left as they are: they keep no data and do no harm. /failover us-east-1 front moves it back.",
      ]
    `);
    expect(report(told).loss).toMatchObject({ predictedSeconds: 0, achievedSeconds: 0 });
  });

  it("says nothing of the pods that were left while it is not done", () => {
    expect(report({ ...told, events: story.slice(0, 7) }).now).toEqual([]);
  });
});

describe("where a service that keeps no data is moved from", () => {
  const regions = ["us-east-1", "us-west-2", "eu-west-1"];
  const [pods] = estate.services["front"]?.deployments ?? [];
  if (!pods) throw new Error("the front has no deployment");
  const inRegions = (...homes: string[]) => ({
    ...estateWithFront({ deployments: homes.map((region) => ({ ...pods, region })) }),
    regions,
  });

  it("is every other region it runs in, in the estate's order", () => {
    const { fromRegions, deployments } = targetsOf(
      inRegions("eu-west-1", "us-west-2", "us-east-1"),
      "front",
      "us-west-2",
    );
    expect(fromRegions).toEqual(["us-east-1", "eu-west-1"]);
    expect(deployments.to.map(({ region }) => region)).toEqual(["us-west-2"]);
    expect(deployments.from.map(({ region }) => region)).toEqual(["eu-west-1", "us-east-1"]);
  });

  it("is refused where it does not run there, or runs nowhere else", () => {
    expect(() => targetsOf(inRegions("us-east-1", "us-west-2"), "front", "eu-west-1")).toThrow(
      /^front has no deployment in eu-west-1\. Nothing was changed\./,
    );
    expect(() => targetsOf(inRegions("us-west-2"), "front", "us-west-2")).toThrow(
      /^front is in no other region than us-west-2\./,
    );
  });
});
