import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { putOut } from "../../src/outbox/put.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { openOffice, type Office } from "../slack/office.ts";

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

  it("is sent again when no server was reached", async () => {
    office.mail.knobs.down = "refuses";
    void office.time.clock.sleep(20).then(() => (office.mail.knobs.down = false));
    expect((await write()).state).toBe("sent");
    expect(office.mail.all).toHaveLength(1);
  });

  it("is parked with the reason when the server refuses it", async () => {
    office.mail.knobs.unknown.add("ana@example.com");
    const end = await write();
    expect(end.state).toBe("parked");
    expect(end.because).toContain("no such mailbox");
  });

  it("is not repeated when nobody knows whether it arrived", async () => {
    office.mail.knobs.next("DATA", "fail-after");
    const end = await write();
    expect(end.state).toBe("parked");
    expect(end.because).toMatch(/^it may have arrived, and nobody is written to twice/);
    await office.time.pass(120);
    expect(office.mail.all).toHaveLength(1);
  });

  it("to somebody without an address is parked", async () => {
    expect(await write("nobody")).toEqual({ state: "parked", because: "the estate has no mail address of nobody" });
  });
});
