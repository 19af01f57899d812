import { setTimeout as pause } from "node:timers/promises";
import { openLab } from "./lab.ts";
import { openProxy } from "./proxy.ts";
import { Servers } from "./servers.ts";

const perSecond = 200;

/**
 * Types commands at 200 a second while every round trip to Muster's database takes 30 ms more, and tells after how many
 * milliseconds on the wall Slack had each acknowledgement. One that never came counts as Slack's own three seconds.
 */
export async function measureAcks(seconds: number): Promise<number[]> {
  await using lab = await openLab({ rate: 1, serve: false });
  const database = new URL(lab.environment["DATABASE_URL"] ?? "");
  const to = { host: database.hostname, port: Number(database.port) };
  const proxy = await openProxy({ listen: { host: lab.addresses.host(40), port: 5432 }, to });
  database.hostname = lab.addresses.host(40);
  database.port = "5432";
  // Half of a round trip in each direction.
  proxy.delayMs = 15;
  const servers = new Servers({ ...lab.environment, DATABASE_URL: database.href });
  try {
    await Promise.all([servers.start(), servers.start()]);
    // Each holds two connections to Slack; it starts without waiting for them.
    while (lab.slack.sockets.connections < 4) await pause(10);
    const typed: Promise<unknown>[] = [];
    const startedAt = performance.now();
    for (let count = 0; count < perSecond * seconds; count += 1) {
      typed.push(lab.slack.types("U01", "#incident-response", "/muster help"));
      await pause(Math.max(0, startedAt + ((count + 1) * 1000) / perSecond - performance.now()));
    }
    await Promise.all(typed);
    return lab.log.all
      .filter(({ server, status }) => server === "slack" && String(status).endsWith("acknowledged"))
      .map(({ status, openedAt, closedAt }) => (status === "acknowledged" ? (closedAt ?? openedAt) - openedAt : 3000));
  } finally {
    await servers.stop();
    await proxy.close();
  }
}
