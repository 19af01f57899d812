import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { isTrouble } from "../../src/adapters/trouble.ts";
import { Breakers } from "../../src/breaker.ts";
import { putOut } from "../../src/outbox/put.ts";
import type { Sender } from "../../src/outbox/sender.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { eventually, openOffice, proposeRun, say, threadOf, type Office } from "../slack/office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

/** Posts a run's card and waits until it stands. */
async function openThread(id = "r1") {
  await proposeRun(office, id);
  return eventually(() => office.slack.messages("C01").at(-1));
}

/** Waits until a run's thread holds so many lines, letting the lab's time pass. */
async function lines(count: number, channel = "C01"): Promise<string[]> {
  await office.time.until(`${count} lines`, () => threadOf(office, channel).length >= count, 600);
  return threadOf(office, channel);
}

const posts = () => office.log.of("slack", "chat.postMessage");
const effects = () => posts().flatMap((request) => request.effects.map((effect) => effect.wanted));
const row = async (key: string) => {
  const { rows } = await sql<{ state: string; because: string | null; attempts: number }>`
    select state, because, attempts from muster.outbox where dedupe_key = ${key}`.execute(office.ctx.db);
  return rows[0];
};

/** The run's own sender, but for one message that Slack refuses for good. */
function refusing({ ctx }: Office, key: string): Sender {
  const send = ctx.senders.get("run")!;
  return (context, message, ...rest) =>
    message.dedupeKey === key
      ? Promise.resolve({ refused: true, because: "Slack says no" })
      : send(context, message, ...rest);
}

describe("a run's thread in Slack", () => {
  it("holds every line once and in order, though Slack fails after taking two of them, and a thousand stand before", async () => {
    const { ts } = await openThread();
    const { workspace } = office.slack;
    for (let n = 0; n < 1050; n += 1) workspace.post("C01", { text: `talk ${n}`, thread_ts: ts }, "U02");
    await office.time.pass(15 * 60);
    office.slack.knobs.next("chat.postMessage", "fail-after", 2);
    await say(office, ["one", "two", "three"]);
    expect((await lines(1053)).slice(1050)).toEqual(["one", "two", "three"]);
    expect(new Set(effects()).size).toBe(effects().length);
  });

  it("holds every line once, though Slack fails before and after taking half of all posts", async () => {
    await openThread();
    office.slack.knobs.errorRate = 0.5;
    const wanted = Array.from({ length: 12 }, (_, index) => `line ${index}`);
    await say(office, wanted);
    expect(await lines(12)).toEqual(wanted);
    expect(new Set(effects()).size).toBe(effects().length);
  });

  it("is not written to twice by a process that died after posting", async () => {
    await openThread();
    let dies = true;
    office.ctx.point = (name) => {
      if (name !== "outbox sent" || !dies) return Promise.resolve();
      dies = false;
      return Promise.reject(new Error("killed"));
    };
    await say(office, ["one", "two"]);
    await eventually(() => threadOf(office)[0]);
    await sql`update muster.outbox set taken_until = clock_timestamp()`.execute(office.ctx.db);
    expect(await eventually(() => (threadOf(office).length > 1 ? threadOf(office) : undefined))).toEqual([
      "one",
      "two",
    ]);
    expect(effects().filter((wanted) => wanted.includes("r1:one"))).toHaveLength(1);
  });

  it("waits as long as Slack asks (60 s), then goes on in order; mails and edits of the card do not wait", async () => {
    await openThread();
    office.slack.knobs.retryAfterSeconds = 60;
    office.slack.knobs.next("chat.postMessage", "throttle");
    await say(office, ["one", "two"]);
    await eventually(() => posts().length === 2 || undefined);
    await sql`update muster.card set wanted_version = wanted_version + 1`.execute(office.ctx.db);
    await putOut(office.ctx.db, { thread: "mail:ana", dedupeKey: "m1", payload: { subject: "s", lines: ["l"] } });
    await office.time.pass(50);
    await eventually(() => office.mail.mailbox("ana@example.com")[0]);
    expect(office.log.of("slack", "chat.update")).toHaveLength(1);
    expect(posts()).toHaveLength(2);
    await office.time.pass(15);
    expect(await lines(2)).toEqual(["one", "two"]);
  });

  it("gets everything in order when Slack comes back, and the approvers hear by mail that it was away", async () => {
    await openThread();
    office.slack.knobs.down = "refuses";
    await say(office, ["one", "two", "three"]);
    await office.time.pass(300);
    expect(threadOf(office)).toEqual([]);
    const box = () =>
      office.mail.mailbox("ben@example.com").flatMap(({ subject }) => (subject.includes("asks to") ? [] : [subject]));
    const away = "[Muster] Slack takes no messages from Muster";
    await eventually(() => box()[0]);
    expect(box()).toEqual([away]);
    office.slack.knobs.down = false;
    expect(await lines(3)).toEqual(["one", "two", "three"]);
    // A proxy on the way that refuses everything loses nothing either; it is asked every 30 s, and people hear after a minute.
    await office.time.skip(2 * 3600);
    office.slack.knobs.proxyRefuses = 403;
    await say(office, ["four", "five"]);
    await office.time.pass(100);
    expect(await eventually(() => (box().length > 1 ? box() : undefined))).toEqual([away, away]);
    expect(await row("r1:four")).toMatchObject({ because: "status 403" });
    office.slack.knobs.proxyRefuses = false;
    expect(await lines(5)).toEqual(["one", "two", "three", "four", "five"]);
  });

  it("goes on behind a message that Slack will never take", async () => {
    await openThread();
    await putOut(office.ctx.db, { thread: "run:r1", dedupeKey: "bad", payload: { lines: ["bad"] } });
    office.ctx.senders = new Map([...office.ctx.senders, ["run", refusing(office, "bad")]]);
    await say(office, ["good"]);
    expect(await lines(1)).toEqual(["good"]);
    expect(await row("bad")).toMatchObject({ state: "parked", because: "Slack says no" });
  });

  it("goes on where the token may not look: what may have arrived is said again, and nobody hears of a token", async () => {
    for (const scope of ["groups:read", "channels:history"]) office.slack.knobs.scopes.delete(scope);
    office.slack.knobs.next("chat.postMessage", "fail-after");
    await proposeRun(office);
    await office.time.until("a second card", () => office.slack.messages("C01").length === 2, 60);
    office.slack.knobs.next("chat.postMessage", "fail-after");
    await say(office, ["one", "two"]);
    const { ts } = office.slack.messages("C01")[1]!;
    const told = () => office.slack.thread("C01", ts).map(({ text }) => text);
    await office.time.until("both lines", () => told().includes("two"), 60);
    expect(told().slice(1)).toEqual(["one", "one", "two"]);
    expect(office.mail.all.filter(({ subject }) => subject.includes("token"))).toEqual([]);
    expect(office.logged.filter((line) => line.includes("cannot be looked for"))).toHaveLength(2);
  });

  it("loses no word of long lines that fit, and says so where they do not", async () => {
    await openThread();
    await say(office, ["x".repeat(2990), Array.from({ length: 400 }, (_, n) => `word${n} & more of it`).join("\n")]);
    const [first] = await lines(2);
    expect(first).toHaveLength(2990);
    const card = office.slack.messages("C01")[0]!;
    const [, , long] = office.slack.thread("C01", card.ts);
    expect(JSON.stringify(long?.blocks)).toContain("…");
  });

  it("calls people by their Slack ids, and lets nobody's text call the channel", async () => {
    await openThread();
    const payload = { lines: ["<!channel> & <@U02>"], mention: ["cleo", "nobody"] };
    await putOut(office.ctx.db, { thread: "run:r1", dedupeKey: "m", payload });
    wakeOutbox();
    expect(await lines(1)).toEqual(["&lt;!channel&gt; &amp; &lt;@U02&gt;\n<@U03> nobody"]);
  });
});

describe("a place that is lost", () => {
  it("an archived channel: the run is told in the estate's next channel, with a word about it", async () => {
    await openThread();
    await say(office, ["one"]);
    await lines(1);
    office.slack.archive("C01");
    await say(office, ["two", "three"]);
    const told = await lines(3, "C02");
    expect(told.slice(0, 2)).toEqual(["two", "three"]);
    expect(told[2]).toContain("cannot be written to any more: Slack says is_archived.");
    expect(office.slack.messages("C02")).toHaveLength(1);
  });

  it("a deleted thread: a new card in the same channel", async () => {
    const card = await openThread();
    office.slack.workspace.replace("C01", card.ts, undefined);
    await say(office, ["one"]);
    expect((await lines(2))[0]).toBe("one");
    expect(office.slack.messages("C01")).toHaveLength(1);
  });

  it("every channel: nothing is lost, and one that is opened again has it all", async () => {
    // Across a full hour: people hear of it at most once an hour, and not once in each.
    const intoHour = (office.time.clock.now().getTime() / 1000) % 3600;
    await office.time.skip(3600 - intoHour - 100);
    for (const channel of ["C01", "C02", "C03"]) office.slack.archive(channel);
    await proposeRun(office);
    await say(office, ["one", "two"]);
    await office.time.pass(400);
    const mails = office.mail.mailbox("ana@example.com").map(({ subject }) => subject);
    expect(mails).toEqual(["[Muster] No channel takes Muster's messages"]);
    office.slack.archive("C02", false);
    const told = await lines(2, "C02");
    expect(told.slice(0, 2)).toEqual(["one", "two"]);
    expect(posts().length).toBeLessThan(60);
  });

  it("a channel the app was thrown out of: a private answer finds its person all the same", async () => {
    office.slack.workspace.channels.get("C01")!.botIsMember = false;
    const reply = { channel: "C01", user: "U01", everyone: true };
    await putOut(office.ctx.db, { thread: "reply:1", dedupeKey: "a", payload: { lines: ["hello"], reply } });
    wakeOutbox();
    expect((await eventually(() => office.slack.dms("U01")[0])).text).toBe("hello");
  });
});

describe("a token that is revoked", () => {
  it("is tried once a minute, told to the approvers by mail, and loses nothing", async () => {
    await openThread();
    office.slack.knobs.tokenRefused = "token_revoked";
    await say(office, ["one", "two"]);
    await office.time.pass(10 * 60);
    const calls = posts().filter((request) => request.status === "token_revoked");
    expect(calls.length).toBeGreaterThan(5);
    expect(calls.length).toBeLessThan(15);
    const mails = office.mail.mailbox("ana@example.com");
    expect(mails.map((mail) => mail.subject)).toEqual(["[Muster] Slack does not take Muster's token"]);
    office.slack.knobs.tokenRefused = false;
    expect(await lines(2)).toEqual(["one", "two"]);
    // Another day it is the network, and no new token would help.
    await office.time.skip(25 * 3600);
    office.slack.knobs.tokenRefused = "accesslimited";
    await say(office, ["three"]);
    await office.time.pass(130);
    const { subject, text } = office.mail.mailbox("ana@example.com")[1]!;
    expect(subject).toBe("[Muster] Slack lets nothing of Muster's in");
    expect(text).toContain("administers the workspace about accesslimited");
    office.slack.knobs.tokenRefused = false;
    expect(await lines(3)).toEqual(["one", "two", "three"]);
  });
});

describe("an answer to a person", () => {
  it("comes by the channel when its address is used up", async () => {
    await office.listen();
    await office.slack.types("U01", "C01", "/failover us-west-2");
    await eventually(() => office.slack.ephemerals("U01")[1]);
    const reply = {
      channel: "C01",
      user: "U01",
      everyone: false,
      responseUrl: new URL("/commands/T01/none", office.slack.apiUrl).href,
    };
    await putOut(office.ctx.db, { thread: "reply:x", dedupeKey: "x", payload: { lines: ["late"], reply } });
    wakeOutbox();
    expect((await eventually(() => office.slack.ephemerals("U01")[2])).text).toBe("late");
  });

  it("comes by the channel while its address is out of reach, which holds nothing else back", async () => {
    const breakers = new Breakers({ now: () => office.ctx.now(), log: office.ctx.log, isTrouble });
    office.ctx.breakers = breakers;
    office.slack.knobs.hooksLost = true;
    const responseUrl = new URL("/commands/T01/some", office.slack.apiUrl).href;
    const reply = { channel: "C01", user: "U01", everyone: false, responseUrl };
    for (let n = 0; n < 6; n += 1) {
      await putOut(office.ctx.db, {
        thread: `reply:${n}`,
        dedupeKey: `${n}`,
        payload: { lines: [`late ${n}`], reply },
      });
    }
    wakeOutbox();
    await eventually(() => office.slack.ephemerals("U01")[5]);
    expect(breakers.failing().map(({ target }) => target)).toEqual(["slack hooks"]);
    await eventually(async () => (await row("5"))?.state === "sent" || undefined);
    expect(office.slack.ephemerals("U01")).toHaveLength(6);
  });

  it("is never sent to an address that is not Slack's", async () => {
    const reply = { channel: "C01", user: "U01", everyone: false, responseUrl: "http://127.0.0.1:9/hook" };
    await putOut(office.ctx.db, { thread: "reply:x", dedupeKey: "x", payload: { lines: ["private"], reply } });
    wakeOutbox();
    expect((await eventually(() => office.slack.ephemerals("U01")[0])).text).toBe("private");
  });

  it("for everyone is posted once, though Slack fails after taking it", async () => {
    office.slack.knobs.next("chat.postMessage", "fail-after");
    const reply = { channel: "C01", user: "U01", everyone: true };
    await putOut(office.ctx.db, { thread: "reply:x", dedupeKey: "x", payload: { lines: ["all"], reply } });
    wakeOutbox();
    await office.time.until("sent", async () => (await row("x"))?.state === "sent", 60);
    expect(office.slack.messages("C01")).toHaveLength(1);
  });
});
