import { describe, expect, it, jest } from "@jest/globals";
import { east, record, routingControls, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { awsCalls, shippedPolicy } from "../install/lab-calls.ts";
import { actionsOf, isAllowed } from "../plumbing/iam.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const moves = (lab: Lab) => lab.changes().filter((change) => /^(?:route53|s3|arc):/.test(change));

const policies = ["observe", "act", "routing-controls"].map((file) => shippedPolicy(file));

const estate = { stabilitySeconds: 20 };

describe("a move of customers by routing controls", () => {
  it("needs nothing in us-east-1, no control plane, and three of five endpoints; a safety rule is asked about, never overridden", async () => {
    await using lab = await openLab({
      traffic: "arc-routing-control",
      rate: 20,
      strideSeconds: 5,
      replicas: 2,
      estate,
    });
    const { text: said } = await lab.types("ana", ["traffic", "check", "checkout"]);
    const way = "nothing: customers are moved by routing controls, at any of five endpoints; 5 answer";
    expect(said.split("\n")).toEqual([
      `${record} by arc-routing-control: us-east-1: 100, us-west-2: 0.`,
      `To us-west-2: can be done; depends on us-east-1: ${way}.`,
      `To us-east-1: can be done; depends on us-west-2: ${way}.`,
      "Nothing was changed.",
    ]);
    await lab.time.pass(30);
    await lab.setRegionDead(east, true);
    lab.route53.knobs.down = "silent";
    lab.recoveryCluster.setRegion("eu-west-1", "refuses");
    // Somebody meant well: with two to be On, nobody could ever be moved.
    const [oneIsOn] = lab.recoveryCluster.rules;
    if (oneIsOn) lab.recoveryCluster.rules.push({ ...oneIsOn, name: "two-are-on", atLeast: 2 });
    await lab.time.pass(60);

    await lab.asks();
    const { text, buttons } = await lab.card();
    expect(buttons).toEqual(["Approve", "Decline"]);
    expect(text).toContain("nothing: customers are moved by routing controls, at any of five endpoints; 3 answer");
    expect(text).toMatch(
      /3 of 5 endpoints of the recovery cluster answer: .*us-east-1 does not answer; .*eu-west-1 breaks/,
    );
    expect(text).toContain("The move does not need it.");
    expect(text).toContain("us-east-1: 100, us-west-2: 0");
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");

    expect(await lab.untilRests()).toMatch(
      /^parked: A safety rule of the recovery cluster refused to set us-west-2 On and us-east-1 Off: The safety rule two-are-on requires .*\. No routing control was changed, and Muster never overrides a safety rule$/,
    );
    expect(await lab.dig()).toEqual([lab.edges[east]?.address]);

    lab.recoveryCluster.rules.pop();
    await lab.presses("cleo", "Continue");
    expect(await lab.untilRests()).toBe("done");

    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    expect(moves(lab)).toEqual([`arc: arc:controls/${record} ${east}=Off ${west}=On`]);
    // The endpoint in the region that was left was not asked for the change while others answered.
    const changes = lab.log.of("arc", "UpdateRoutingControlStates");
    expect(changes.at(-1)).toMatchObject({ status: 200, resource: expect.stringContaining(routingControls[west]) });
    expect(awsCalls(lab.log.all).filter((call) => !isAllowed(policies, call))).toEqual([]);
    const used = new Set(awsCalls(lab.log.all).map(({ action }) => action));
    expect(actionsOf(policies.slice(2)).filter((action) => !used.has(action))).toEqual([]);
  });
});
