import { describe, expect, it, jest } from "@jest/globals";
import { openLab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const hour = 3_600_000;

describe("a server on a host whose clock is wrong", () => {
  it("does not start; and where the clock goes wrong later, leaves every run to others until it is right", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await expect(lab.startMuster({ wallNow: () => new Date(Date.now() + hour) })).rejects.toMatchObject({
      explanation: {
        happened: "The clock of this host is 3600 seconds ahead of that of Muster's database.",
        means: "Muster did not start, and touched nothing.",
      },
    });

    const host = { aheadMs: 0 };
    const wrong = await lab.startMuster({ wallNow: () => new Date(Date.now() + host.aheadMs) });
    const ready = async () => {
      const response = await fetch(`http://127.0.0.1:${wrong.httpPort}/readyz`);
      return `${response.status} ${await response.text()}`;
    };
    expect(await ready()).toBe("200 ready\n");
    host.aheadMs = hour;
    await lab.time.until("it has seen that its clock is wrong", async () => (await ready()).startsWith("503"), 600);
    expect(await ready()).toBe("503 The clock of this host is 3600 seconds ahead of that of Muster's database\n");

    const owner = async () =>
      (await lab.query<{ owner: string | null }>("select owner from muster.run where id = $1", [runId]))[0]?.owner;
    const runId = await lab.starts();
    await lab.untilTold("Starting to make checkout-db-west");
    expect(await owner()).not.toBe(wrong.ctx.worker);

    host.aheadMs = 0;
    await lab.time.until("its clock is right again", async () => (await ready()).startsWith("200"), 600);
    await lab.musters.find(({ ctx }) => ctx.worker !== wrong.ctx.worker)?.stop();
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
  });
});
