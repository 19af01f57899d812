import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { eventually, openOffice, type Office } from "./office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

/** How many connections were asked for. */
const opened = () => office.log.of("slack", "apps.connections.open").length;

/** Types until Muster hears it, and tells how long that took in wall milliseconds. */
async function deafFor(): Promise<number> {
  const from = performance.now();
  for (;;) {
    const { acknowledged } = await office.slack.types("U01", "C01", "/failover us-west-2");
    if (acknowledged) return performance.now() - from;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Expects that something is over within a second. A busy machine may be slow once or twice; what waits by design is slow each time. */
async function happensInASecond(tryIt: () => Promise<number>): Promise<void> {
  const took: number[] = [];
  while (took.length < 4 && !took.some((milliseconds) => milliseconds < 1000)) took.push(await tryIt());
  expect(Math.min(...took)).toBeLessThan(1000);
}

describe("the connection to Slack", () => {
  it("is held twice, so that one may go", async () => {
    await office.listen({ connections: 2 });
    expect(office.slack.sockets.connections).toBe(2);
  });

  it("is renewed within a second when Slack asks for it", async () => {
    const app = await office.listen({ connections: 2 });
    await happensInASecond(async () => {
      const before = opened();
      office.slack.sockets.refresh();
      await eventually(() => opened() >= before + 2 || undefined);
      const deaf = await deafFor();
      await eventually(() => app.connected === 2 || undefined);
      return deaf;
    });
  });

  it("is opened anew when it was cut", async () => {
    const app = await office.listen({ connections: 2 });
    await happensInASecond(async () => {
      const before = opened();
      office.slack.sockets.cut();
      await eventually(() => opened() >= before + 2 || undefined);
      const deaf = await deafFor();
      await eventually(() => app.connected === 2 || undefined);
      return deaf;
    });
  });

  it("is given up when it answers no ping any more", async () => {
    await office.listen({ connections: 2 });
    office.slack.sockets.deafen("everything");
    expect(await deafFor()).toBeLessThan(30_000);
  });

  it("is given up when nothing is heard on it for a minute (here 3 s)", async () => {
    await office.listen({ connections: 1, silenceMs: 3000 });
    office.slack.sockets.deafen("payloads");
    // Held on to, it would stay deaf for ever.
    expect(await deafFor()).toBeLessThan(30_000);
  });

  it("comes by itself when Slack was away at the start", async () => {
    office.slack.knobs.down = "refuses";
    const listening = office.listen({ connections: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(office.slack.sockets.connections).toBe(0);
    office.slack.knobs.down = false;
    expect((await listening).connected).toBe(1);
  });
});
