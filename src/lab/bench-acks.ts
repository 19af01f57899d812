import { setTimeout as pause } from "node:timers/promises";
import { west } from "./estate.ts";
import { openLab, type Lab } from "./lab.ts";
import { openProxy } from "./proxy.ts";
import { Servers } from "./servers.ts";

const perSecond = 200;
/** How often is looked for the card, ten times a second. */
const mostLooks = 600;

/** Who asked for a move may not approve it: a click that everything is looked up for, and that changes nothing. */
const [asker, channel, button] = ["U01", "#incident-response", "Approve"] as const;

/**
 * Types commands and presses buttons in turn, 200 a second, while every round trip to Muster's database takes 30 ms more, and
 * tells after how many milliseconds on the wall Slack had each acknowledgement. One that never came counts as Slack's own three seconds.
 */
export async function measureAcks(seconds: number): Promise<number[]> {
  await using lab = await openLab({ rate: 1, serve: false, patient: true });
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
    const messageTs = await cardOf(lab);
    const deeds: Promise<unknown>[] = [];
    const startedAt = performance.now();
    for (let count = 0; count < perSecond * seconds; count += 1) {
      const types = () => lab.slack.types(asker, channel, "/muster help");
      const presses = () => lab.slack.presses(asker, button, { channel, messageTs });
      deeds.push(count % 2 === 0 ? types() : presses());
      await pause(Math.max(0, startedAt + ((count + 1) * 1000) / perSecond - performance.now()));
    }
    await Promise.all(deeds);
    return lab.log.all
      .filter(({ openedAt }) => openedAt >= startedAt)
      .filter(({ server, status }) => server === "slack" && String(status).endsWith("acknowledged"))
      .map(({ status, openedAt, closedAt }) => (status === "acknowledged" ? (closedAt ?? openedAt) - openedAt : 3000));
  } finally {
    await servers.stop();
    await proxy.close();
  }
}

/** Has somebody ask for a move, and returns which message its card is, once it has buttons. */
async function cardOf({ slack }: Lab): Promise<string> {
  await slack.types(asker, channel, `/failover ${west} checkout`);
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const card = slack.messages(channel).find(({ blocks }) => JSON.stringify(blocks ?? []).includes(`"${button}"`));
    if (card) return card.ts;
    await pause(100);
  }
  throw new Error(`nothing to press came in ${mostLooks / 10} seconds`);
}
