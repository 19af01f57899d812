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

describe("the connection to Slack", () => {
  it("is held twice, so that one may go", async () => {
    await office.listen({ connections: 2 });
    expect(office.slack.sockets.connections).toBe(2);
  });

  it("is renewed within a second when Slack asks for it", async () => {
    const app = await office.listen({ connections: 2 });
    office.slack.sockets.refresh();
    await eventually(() => opened() === 4 || undefined);
    expect(await deafFor()).toBeLessThan(1000);
    await eventually(() => app.connected === 2 || undefined);
  });

  it("is opened anew when it was cut", async () => {
    await office.listen({ connections: 2 });
    office.slack.sockets.cut();
    await eventually(() => opened() === 4 || undefined);
    expect(await deafFor()).toBeLessThan(1000);
  });

  it("is given up when it answers no ping any more", async () => {
    await office.listen({ connections: 2 });
    office.slack.sockets.deafen("everything");
    expect(await deafFor()).toBeLessThan(12_000);
  });

  it("is given up when nothing is heard on it for a minute (here 3 s)", async () => {
    const app = await office.listen({ connections: 1, silenceMs: 3000 });
    office.slack.sockets.deafen("payloads");
    await new Promise((resolve) => setTimeout(resolve, 3500));
    await eventually(() => (app.connected === 1 ? true : undefined));
    expect((await office.slack.types("U01", "C01", "/failover us-west-2")).acknowledged).toBe(true);
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
