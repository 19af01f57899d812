import { describe, expect, it, jest } from "@jest/globals";
import { east, west } from "../../src/lab/estate.ts";
import { openLab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

describe("calls that fail before their effect, or after it", () => {
  it("are looked at before they are tried again: each change takes hold once", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    const { rds, route53, clusters } = lab;
    await lab.says("ana", "/failover us-west-2 checkout");
    for (const fault of ["fail-before", "throttle", "fail-after"] as const) rds.knobs.next("PromoteReadReplica", fault);
    route53.refuseAsBusy(1);
    for (const fault of ["fail-before", "throttle", "hang-after"] as const)
      route53.knobs.next("ChangeResourceRecordSets", fault);
    clusters[west]?.knobs.next("PATCH configmaps", "fail-after");
    for (const fault of ["throttle", "hang-after", "fail-before"] as const)
      clusters[west]?.knobs.next("PATCH deployments/scale", fault);
    clusters[east]?.knobs.next("PATCH deployments/scale", "fail-after");
    await lab.presses("ben", "Approve");
    await lab.presses("cleo", "Approve");
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    const told = (await lab.timeline()).join("\n");
    expect(told).toContain("Checking whether it happened before it is tried again.");
    expect(told).toContain("It changed nothing; it is tried again.");
    expect(told).toContain("Trying again to make checkout-db-west in us-west-2 the writer of checkout (try 2).");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });
});

describe("looks that show what was true some time ago", () => {
  it("are waited out: nothing is changed twice, and what has changed meanwhile is not overwritten", async () => {
    await using lab = await openLab({ strideSeconds: 5, patient: true });
    const { rds, route53, clusters } = lab;
    await lab.says("ana", "/failover us-west-2 checkout");
    rds.knobs.readLagSeconds = 40;
    route53.knobs.readLagSeconds = 40;
    for (const region of [east, west]) if (clusters[region]) clusters[region].knobs.readLagSeconds = 8;
    await lab.presses("ben", "Approve");
    await lab.presses("cleo", "Approve");
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
    expect(lab.log.of("route53", "ChangeResourceRecordSets")).toHaveLength(1);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });
});
