import { describe, expect, it, jest } from "@jest/globals";
import { east, west } from "../../src/lab/estate.ts";
import { openLab } from "../../src/lab/lab.ts";
import { checkout } from "../../src/lab/services.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

describe("/failover us-west-2 payments, where there is a checkout beside it", () => {
  it("moves payments, and touches nothing of checkout", async () => {
    const services = [{ name: "payments", tier: "critical", database: true } as const, checkout];
    await using lab = await openLab({ services, patient: true });
    const [, before] = await lab.everyService();
    await lab.starts(`/failover ${west} payments`);
    expect(await lab.untilRests()).toBe("done");
    const [payments, after] = await lab.everyService();
    expect(payments).toMatchObject({
      writers: [west],
      dns: [west],
      shares: { [west]: 100 },
      pods: { east: { wanted: 0 }, west: { ready: 3, wanted: 3 } },
      status: 200,
    });
    expect(after).toEqual(before);
    expect(after).toMatchObject({ writers: [east], dns: [east], status: 200 });
    expect(lab.changes().filter((change) => change.includes("checkout"))).toEqual([]);
    expect(lab.doubled()).toEqual([]);
  });
});
