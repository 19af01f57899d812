import { describe, expect, it, jest } from "@jest/globals";
import { control, east, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { awsCalls, shippedPolicy } from "../install/lab-calls.ts";
import { isAllowed } from "../plumbing/iam.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const moves = (lab: Lab) => lab.changes().filter((change) => /^(?:route53|s3):/.test(change));
const put = `s3: s3:${control.bucket}/${control.key} present`;

describe("a move of customers by an object in the new region", () => {
  it("needs no Route 53 control plane: gracefully, with it refusing everybody", async () => {
    await using lab = await openLab({ traffic: "route53-switch", strideSeconds: 5, patient: true });
    lab.route53.knobs.down = "refuses";
    await lab.says("ana", "/failover us-west-2 checkout");
    const { text, buttons } = await lab.card();
    expect(buttons).toEqual(["Approve", "Decline"]);
    expect(text).toContain(`nothing: customers are moved by s3://${control.bucket}/${control.key}, in us-west-2`);
    expect(text).toContain("The move does not need it.");
    expect(text).toContain("us-east-1: 100, us-west-2: 0");
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    expect(moves(lab)).toEqual([put]);
    expect((await lab.timeline()).filter((line) => line.startsWith("Done: send all traffic"))).toEqual([
      expect.stringContaining(`by putting s3://${control.bucket}/${control.key}`),
    ]);
    const policies = ["observe", "act", "switch"].map((file) => shippedPolicy(file));
    expect(awsCalls(lab.log.all).filter((call) => !isAllowed(policies, call))).toEqual([]);
  });

  it("needs nothing in us-east-1: with the region dead and the control plane silent", async () => {
    await using lab = await openLab({ traffic: "route53-switch", strideSeconds: 5, patient: true });
    await lab.time.pass(30);
    await lab.setRegionDead(east, true);
    lab.route53.knobs.down = "silent";
    await lab.time.pass(60);
    await lab.starts();
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    expect(moves(lab)).toEqual([put]);
  });

  it("waits for the health checkers, and tells which name server is behind", async () => {
    await using lab = await openLab({ traffic: "route53-switch", strideSeconds: 5, patient: true });
    const [check] = lab.route53.health.all;
    lab.route53.health.edit(check?.id ?? "", { intervalSeconds: 30 });
    await lab.starts();
    await lab.untilTold("Starting to send all traffic");
    await lab.time.until("the object is there", () => lab.s3.keys(control.bucket).length > 0, 60);
    expect(await lab.dig()).toEqual([lab.edges[east]?.address]);
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });

  it("cannot be approved where the check would not follow the object, and the card says what to do", async () => {
    await using lab = await openLab({ traffic: "route53-switch", patient: true });
    const [check] = lab.route53.health.all;
    lab.route53.health.edit(check?.id ?? "", { disabled: true });
    await lab.says("ana", "/failover us-west-2 checkout");
    const { text, buttons } = await lab.card();
    expect(buttons).toEqual(["Look again"]);
    expect(text).toContain(
      "the health check of us-east-1's record does not follow the object: it is disabled; muster traffic setup checkout shows how to put it right",
    );
    lab.route53.health.edit(check?.id ?? "", { disabled: false });
    await lab.presses("ben", "Look again");
    expect((await lab.card()).buttons).toEqual(["Approve", "Decline"]);
  });
});
