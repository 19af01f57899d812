import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { openDb } from "../src/db/connect.ts";
import { openHttp } from "../src/http.ts";
import { openProxy } from "../src/lab/proxy.ts";
import { openMetrics } from "../src/metrics/open.ts";
import { openOffice, type Office } from "./slack/office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

it("a server whose database falls silent is unready after the time of one call, and ready when it answers again", async () => {
  const url = new URL(office.database.url);
  const to = { host: url.hostname, port: Number(url.port) };
  const proxy = await openProxy({ listen: { ...to, host: to.host.replace(/\d+$/, "200") }, to });
  url.hostname = proxy.listen.host;
  const db = openDb(url.href, { max: 2, leaseMs: 4000 });
  const ctx = { ...office.ctx, db, callTimeoutMs: 300 };
  const metrics = openMetrics(ctx, { slackConnections: () => undefined, jobs: [] });
  const http = await openHttp(ctx, 0, { metrics });
  const ready = async () =>
    (await fetch(`http://127.0.0.1:${http.port}/readyz`, { signal: AbortSignal.timeout(4000) })).status;
  try {
    await sql`select 1`.execute(db);
    // What is connected stays connected: only a limit of our own ends such a look.
    await proxy.setMode("silent");
    expect(await Promise.all([ready(), ready()])).toEqual([503, 503]);
    await proxy.setMode("open");
    // A busy machine may take longer than one call's time for a new connection; then the next look finds it.
    const giveUpAt = performance.now() + 30_000;
    while ((await ready()) !== 200) if (performance.now() > giveUpAt) throw new Error("it stays unready");
  } finally {
    await proxy.setMode("open");
    await http.close();
    await db.destroy();
    await proxy.close();
  }
});
