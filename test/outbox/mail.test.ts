import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { drainOne } from "../../src/outbox/drain.ts";
import { putOut } from "../../src/outbox/put.ts";
import { parkTooOld } from "../../src/outbox/too-old.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { freeze, openOffice, timeIsOver, type Office } from "../slack/office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

/** Writes a mail and waits until nothing more becomes of it. */
async function write(to = "ana"): Promise<{ state: string; because: string | null }> {
  await putOut(office.ctx.db, {
    thread: `mail:${to}`,
    dedupeKey: "m1",
    payload: { subject: "Parked:\r\nBcc: x@example.com", lines: ["One.", "Two."] },
  });
  wakeOutbox();
  const look = async () => {
    const { rows } = await sql<{ state: string; because: string | null }>`
      select state, because from muster.outbox where dedupe_key = 'm1'`.execute(office.ctx.db);
    return rows[0]!;
  };
  await office.time.until("settled", async () => ["sent", "parked"].includes((await look()).state), 120);
  return look();
}

describe("a mail", () => {
  it("arrives, and its subject stays one line", async () => {
    expect(await write()).toEqual({ state: "sent", because: null });
    const [mail] = office.mail.mailbox("ana@example.com");
    expect(mail?.subject).toBe("Parked: Bcc: x@example.com");
    expect(office.mail.all).toHaveLength(1);
  });

  it("is sent again when the server asks for patience", async () => {
    office.mail.knobs.next("DATA", "throttle", 2);
    expect((await write()).state).toBe("sent");
    expect(office.mail.all).toHaveLength(1);
  });

  it("waits with all behind it while no server is reached, and is tried once a minute while the server shuts Muster out", async () => {
    office.mail.knobs.down = "refuses";
    await putMany(2);
    wakeOutbox();
    await office.time.pass(20);
    office.mail.knobs.down = false;
    office.mail.knobs.shutsOut = "login";
    let asked = 0;
    office.ctx.point = (name) => {
      if (name === "before smtp.send") asked += 1;
      return Promise.resolve();
    };
    for (const name of ["ben", "cleo"]) await putTo(name);
    wakeOutbox();
    await office.time.pass(5 * 60);
    expect(await states()).toEqual({ waiting: 4 });
    // Whoever is written to: ten people are not ten failed logins a minute.
    expect(asked).toBeGreaterThan(3);
    expect(asked).toBeLessThan(7);
    const said = office.logged.filter((line) => /mail:ana.*the mail server takes no mail from Muster/u.test(line));
    expect(said.length).toBeGreaterThan(3);
    expect(said.length).toBeLessThan(7);
    expect(said.at(-1)).toContain("is asked again each minute: Mail command failed: 530 5.7.0 Authentication required");
    // A server that is started with the right password sends what waits behind a mail that was tried, however old.
    await sql`update muster.outbox set put_at = muster.now() - interval '25 hours'`.execute(office.ctx.db);
    await parkTooOld(office.ctx);
    office.mail.knobs.shutsOut = false;
    await office.time.until("sent", async () => (await states()).sent === 4, 120);
    expect(readOf()).toEqual([1, 2]);
  });

  it("is parked with the reason when the server refuses it", async () => {
    office.mail.knobs.unknown.add("ana@example.com");
    const end = await write();
    expect(end.state).toBe("parked");
    expect(end.because).toContain("no such mailbox");
  });

  it("that has not left is given back when the process stops, whatever the server is waited for", async () => {
    office.mail.knobs.down = "silent";
    const { promise: isUnderWay, resolve } = Promise.withResolvers<void>();
    office.ctx.point = (name) => Promise.resolve(name === "before smtp.send" ? resolve() : undefined);
    await putTo("ana");
    wakeOutbox();
    await isUnderWay;
    const before = performance.now();
    await office.stopOutbox();
    expect(performance.now() - before).toBeLessThan(5000);
    office.mail.knobs.down = false;
    office.startOutbox();
    await office.time.until("sent", async () => (await states()).sent === 1, 120);
    expect(office.mail.all).toHaveLength(1);
  });

  it("is not repeated when nobody knows whether it arrived", async () => {
    office.mail.knobs.next("DATA", "fail-after");
    const end = await write();
    expect(end.state).toBe("parked");
    expect(end.because).toMatch(/^it may have arrived, and nobody is written to twice/);
    await office.time.pass(120);
    expect(office.mail.all).toHaveLength(1);
  });

  it("to somebody without an address is parked, and was refused by nobody", async () => {
    expect(await write("nobody")).toEqual({ state: "parked", because: "the estate has no mail address of nobody" });
    const { rows } = await sql`select attempts from muster.outbox`.execute(office.ctx.db);
    expect([rows, office.logged]).toEqual([[{ attempts: 0 }], []]);
  });
});

/** Puts so many mails to Ana at once. */
async function putMany(count: number): Promise<void> {
  await office.ctx.db.transaction().execute(async (tx) => {
    for (let n = 1; n <= count; n++) {
      const lines = [`Service ${n} is parked.`, "Press Continue."];
      const payload = { subject: `[Muster] Parked ${n}`, lines, runId: "over" };
      await putOut(tx, { thread: "mail:ana", dedupeKey: `m${n}`, payload });
    }
  });
}

/** Puts a mail to somebody else. */
const putTo = (name: string) =>
  putOut(office.ctx.db, { thread: `mail:${name}`, dedupeKey: `to:${name}`, payload: { subject: "s", lines: ["l"] } });

/** Counts the mails in each state. */
async function states(): Promise<Record<string, number>> {
  const { rows } = await sql<{ state: string; many: number }>`
    select state, count(*)::int as many from muster.outbox group by state`.execute(office.ctx.db);
  return Object.fromEntries(rows.map(({ state, many }) => [state, many]));
}

/** Puts so many mails to Ana at once, waits until nothing more becomes of any, and counts how they ended. */
async function writeMany(count: number): Promise<Record<string, number>> {
  await putMany(count);
  wakeOutbox();
  const isSettled = async () => Object.keys(await states()).every((state) => ["sent", "parked"].includes(state));
  await office.time.until("settled", isSettled, 600);
  return states();
}

/** Every service whose parking Ana reads of, as often as she does. */
const readOf = () =>
  office.mail
    .mailbox("ana@example.com")
    .flatMap(({ text }) => [...text.matchAll(/Service (\d+) is parked/gu)].map((match) => Number(match[1])));

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

describe("many mails to one person", () => {
  it("become a few that hold each text once, in order", async () => {
    expect(await writeMany(450)).toEqual({ sent: 450 });
    expect(readOf()).toEqual(upTo(450));
    const mails = office.mail.mailbox("ana@example.com");
    expect(mails.map(({ subject }) => subject)).toEqual([
      "[Muster] Parked 1 (and 200 more)",
      "[Muster] Parked 202 (and 200 more)",
      "[Muster] Parked 403 (and 47 more)",
    ]);
    expect(mails[2]?.text).toMatch(
      /^48 messages, oldest first\.\r?\n\r?\nService 403 is parked\.\r?\nPress Continue\./u,
    );
  });

  it("stay single while they are few", async () => {
    expect(await writeMany(5)).toEqual({ sent: 5 });
    expect(office.mail.mailbox("ana@example.com")).toHaveLength(5);
  });

  it("are all sent once when the server asks for patience", async () => {
    office.mail.knobs.next("DATA", "throttle", 2);
    expect(await writeMany(20)).toEqual({ sent: 20 });
    expect(readOf()).toEqual(upTo(20));
  });

  it("are not repeated when nobody knows whether they arrived", async () => {
    office.mail.knobs.next("DATA", "fail-after");
    expect(await writeMany(20)).toEqual({ parked: 20 });
    await office.time.pass(120);
    expect(office.mail.all).toHaveLength(1);
  });

  it("do not share the refusal of one", async () => {
    office.mail.knobs.next("DATA", "fail-before");
    expect(await writeMany(20)).toEqual({ parked: 1, sent: 19 });
    expect(readOf()).toEqual(upTo(20).slice(1));
  });
});

describe("a process that dies with mails in its hands", () => {
  it("at whatever point: another sends them unless they may have arrived, and nobody reads one twice though the first wakes up", async () => {
    await office.stopOutbox();
    const seen: Record<string, object> = {};
    for (let nth = 1; !("the end" in seen); nth += 1) {
      await sql`truncate muster.outbox`.execute(office.ctx.db);
      const before = office.mail.all.length;
      await putMany(7);
      const { at, wake } = await freeze(
        office,
        (_name, passed) => passed === nth,
        (ctx) => drainOne(ctx, "mail"),
      );
      await timeIsOver(office);
      while (await drainOne(office.ctx, "mail"));
      const ends = await states();
      await wake();
      expect({ at, ends: await states() }).toEqual({ at, ends });
      expect({ at, mails: office.mail.all.length - before }).toEqual({ at, mails: 1 });
      expect(readOf().slice(-7)).toEqual(upTo(7));
      seen[at] = ends;
    }
    expect(seen).toEqual({
      "outbox taken": { sent: 7 },
      "before smtp.send": { sent: 7 },
      "mail leaves": { parked: 7 },
      "after smtp.send": { parked: 7 },
      "outbox sent": { parked: 1, sent: 6 },
      "the end": { sent: 7 },
    });
  });

  it("or is refused by its own database: nothing has left, so nothing is in doubt", async () => {
    await office.stopOutbox();
    await putMany(7);
    const { db } = office.ctx;
    await sql`alter table muster.outbox add constraint away check (state <> 'sending') not valid`.execute(db);
    expect(await drainOne(office.ctx, "mail")).toBe(true);
    expect([await states(), office.mail.all.length]).toEqual([{ waiting: 7 }, 0]);
    await sql`alter table muster.outbox drop constraint away`.execute(db);
    await sql`update muster.outbox set next_at = muster.now()`.execute(db);
    while (await drainOne(office.ctx, "mail"));
    expect([await states(), readOf()]).toEqual([{ sent: 7 }, upTo(7)]);
  });
});
