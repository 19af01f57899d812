import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import { previewLines } from "../../jobs/preview/lines.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { eastDead, estate, healthy, promotedBefore, replica, saw, sawNothing } from "./facts.ts";

const planOf = (facts: FailoverFacts) => failover.plan(estate, { toRegion: "us-west-2", service: "checkout" }, facts);

describe("the preview of a failover", () => {
  it("shows what would change, what was seen, and what to fear", () => {
    expect(previewLines(failover.preview(planOf(eastDead), eastDead))).toMatchInlineSnapshot(`
      [
        "Move checkout to us-west-2, with the old side out of reach.",
        "  Writes go to: checkout-db (us-east-1) → checkout-db-west (us-west-2)",
        "  DB_HOST of shop/app-config (us-west-2): checkout-db.us-east-1.rds.lab → checkout-db-west.us-west-2.rds.lab (kept by kubectl)",
        "  Pods of shop/checkout (us-west-2): 1 → 3",
        "  Pods of shop/checkout (us-east-1): unknown → 0",
        "  DNS shares of checkout.example.com: us-east-1: 100, us-west-2: 0 → us-east-1: 0, us-west-2: 100",
        "  ! Customers now         not served since 11:58:20 UTC: it does not answer",
        "  ! Old side (us-east-1)  reached by nobody: checkout-db does not answer, and the replica does not hear it",
        "    Replica               checkout-db-west: available, a replica of checkout-db, replicating, has a backup",
        "    Promotion             calls rds:PromoteReadReplica for checkout-db-west; depends on RDS's control plane in us-west-2",
        "    Replica behind        12 s by heartbeat, 0 bytes arrived and not applied",
        "    Writes lost           up to 15 s (objective 15 minutes)",
        "    Time to recover       about 4 minutes from the last approval (objective 60 minutes, 100 seconds of it gone)",
        "    Pods us-west-2        0 ready of 1 asked for; 3 wanted afterwards",
        "    Pods us-east-1        the cluster east does not answer",
        "    Front door us-west-2  not healthy yet: it answers 503, certificate covers the name",
        "    DNS now               checkout.example.com: us-east-1: 100, us-west-2: 0, TTL 60 s",
        "    Names move            beside the promotion: nobody is served by us-east-1, and us-west-2 turns people away (HTTP 503) until its database takes writes",
        "  ! Depends on us-east-1  the records: Route 53's control plane is there",
        "    Rights not proven     rds:PromoteReadReplica and route53:ChangeResourceRecordSets: AWS tells only when they are used",
        "    Customers are told    on the status page: "The services named here are unavailable. We are working on it, and tell you more as soon as we know more."",
        "    May approve           ana, ben, cleo: 2 of them, not the one who asked",
        "  ! Rules hit             two writers cannot be ruled out: whoever approves accepts that; no undo once Muster begins to make checkout-db-west in us-west-2 the writer of checkout",
        "  ! Nobody can promise that checkout-db takes no writes any more: if it lives on unseen, there will be two writers. Approving accepts that; it is fenced as soon as it answers.",
        "  ! The records of checkout.example.com are changed through Route 53's control plane, which is in us-east-1.",
      ]
    `);
  });

  it("tells in one line whom Muster calls in vain, and names no more than people read", () => {
    const failing = (target: string) => ({ target, since: "2026-11-23T11:58:20.000Z", why: "does not answer" });
    const some = { ...healthy, failingCalls: [failing("rds us-east-1"), failing("slack")] };
    expect(planOf(some).warnings).toContain(
      "Muster's calls have been failing: rds us-east-1 since 11:58 UTC, slack since 11:58 UTC. The run tries each of them all the same.",
    );
    const many = { ...healthy, failingCalls: Array.from({ length: 12 }, (_, at) => failing(`postgres db-${at}`)) };
    expect(planOf(many).warnings).toContainEqual(expect.stringMatching(/postgres db-4 since 11:58 UTC, 7 more\./));
    expect(planOf({ ...healthy, failingCalls: [] }).warnings).toEqual(planOf(healthy).warnings);
  });

  it("promises no loss where the fence must hold", () => {
    const { rows, warnings } = failover.preview(planOf(healthy), healthy);
    expect(rows.find(({ label }) => label === "Writes lost")?.value).toMatch(/^none/);
    expect(warnings).toEqual([expect.stringMatching(/us-east-1/)]);
  });

  it.each([
    ["the old side is reached", undefined, promotedBefore],
    ["a person forces it", "ungraceful" as const, promotedBefore],
    ["the old side is silent", undefined, { ...promotedBefore, from: eastDead.from, lastBeat: eastDead.lastBeat }],
  ])("promises nothing of what an earlier run promoted, where %s", (_name, force, facts) => {
    const input = { toRegion: "us-west-2", service: "checkout", ...(force ? { force } : {}) };
    const plan = failover.plan(estate, input, facts);
    const { rows } = failover.preview(plan, facts);
    expect(rows.find(({ label }) => label === "Writes lost")).toEqual({
      label: "Writes lost",
      value: "unknown: run fo-1 has promoted it already, and its report tells what that lost",
      tone: "bad",
    });
    // As the gate before the promotion is told: nobody is asked whether to promote what was promoted.
    expect(plan.nodes.find(({ step }) => step === "accept-loss")?.input).toMatchObject({ shownLossSeconds: null });
    expect(JSON.stringify([rows, plan.warnings, plan.claims])).not.toMatch(/would be lost|are asked again|are lost/);
  });

  it.each([
    [
      "a loss over the objective",
      { ...eastDead, objectives: { rtoSeconds: 3600, rpoSeconds: 10 } },
      /Up to 15 seconds .* objective is 10/,
    ],
    [
      "a loss nobody knows",
      { ...eastDead, lastBeat: sawNothing("no heartbeat"), probes: sawNothing("nobody has probed it yet") },
      /^How many writes would be lost is unknown/,
    ],
    [
      "a loss nobody knows, while customers are served without a heartbeat",
      { ...eastDead, probes: healthy.probes },
      /^How many writes would be lost is unknown: nothing tells/,
    ],
    [
      "a backup under way",
      { ...healthy, to: { ...healthy.to, instance: saw({ ...replica, status: "backing-up" }) } },
      /"backing-up"; the promotion waits/,
    ],
    [
      "a replica without the tag that the policy asks for",
      { ...healthy, to: { ...healthy.to, instance: saw({ ...replica, tagged: false }) } },
      /^checkout-db-west has no tag dr-managed=true: /,
    ],
    [
      "customers who are served by a side that nobody sees",
      { ...eastDead, probes: healthy.probes },
      /^Customers are served at this moment \(probe at 12:00:00 UTC\), so us-east-1 lives/,
    ],
    [
      "a certificate for another name",
      { ...healthy, edge: saw({ ok: false, tookMs: 1, why: "x", certificateCovers: false }) },
      /does not cover its public name/,
    ],
  ] as [string, FailoverFacts, RegExp][])("warns of %s", (_name, facts, sentence) => {
    expect(planOf(facts).warnings).toContainEqual(expect.stringMatching(sentence));
  });
});
