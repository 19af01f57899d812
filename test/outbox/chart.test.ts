import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { putOut } from "../../src/outbox/put.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { eventually, openOffice, picture, proposeRun, say, threadOf, type Office } from "../slack/office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
  await proposeRun(office);
  await eventually(() => office.slack.messages("C01").at(-1));
});
afterEach(() => office.close());

async function putChart(): Promise<void> {
  await putOut(office.ctx.db, { thread: "chart:r1", dedupeKey: "chart", payload: { lines: ["What happened when."] } });
  wakeOutbox();
}

/** What the thread's pictures hold, oldest first; those that were deleted are not there. */
function pictures(channel = "C01"): string[] {
  const [card] = office.slack.messages(channel);
  const messages = card ? office.slack.thread(channel, card.ts) : [];
  return messages.flatMap(({ files = [] }) =>
    files.flatMap(({ id }) => office.slack.picture(id)?.toString("utf8") ?? []),
  );
}

const stateOf = async (key: string) => {
  const { rows } = await sql<{ state: string }>`
    select state from muster.outbox where dedupe_key = ${key}`.execute(office.ctx.db);
  return rows[0]?.state;
};
const settled = (state = "sent") =>
  office.time.until(`the chart is ${state}`, async () => (await stateOf("chart")) === state, 900);
const shares = () => office.log.of("slack", "files.completeUploadExternal").filter(({ effects }) => effects.length > 0);

describe("a run's chart", () => {
  it("stands in the run's thread with its words, after every line that was said before", async () => {
    office.slack.knobs.next("chat.postMessage", "fail-before", 2);
    await say(office, ["one", "two"]);
    await office.time.until("both are said", () => threadOf(office).length === 2, 60);
    // A workspace whose keys are away keeps out whatever comes: the chart waits as the lines do.
    office.slack.knobs.tokenRefused = "ekm_access_denied";
    await putChart();
    await office.time.pass(70);
    expect(await stateOf("chart")).toBe("waiting");
    office.slack.knobs.tokenRefused = false;
    await settled();
    expect(threadOf(office)).toEqual(["one", "two", "What happened when."]);
    expect(pictures()).toEqual([picture.png.toString()]);
  });

  const faults = [
    ["files.getUploadURLExternal", "fail-before"],
    ["files.getUploadURLExternal", "fail-after"],
    ["upload", "fail-before"],
    ["upload", "fail-after"],
    ["files.completeUploadExternal", "fail-before"],
    ["files.completeUploadExternal", "fail-after"],
    ["files.completeUploadExternal", "throttle"],
  ] as const;
  it.each(faults)("is seen once though %s fails (%s)", async (action, fault) => {
    office.slack.knobs.next(action, fault);
    await putChart();
    await settled();
    expect(pictures()).toHaveLength(1);
  });

  it("is seen once though nobody may look whether a call that failed has shown it: what it showed is deleted", async () => {
    office.slack.knobs.scopes.delete("channels:history");
    office.slack.knobs.next("files.completeUploadExternal", "fail-after");
    await putChart();
    await settled();
    expect(pictures()).toHaveLength(1);
    expect(office.log.of("slack", "files.delete")).toHaveLength(1);
  });

  it("is seen once though Slack shows it only a minute after a call that failed: the first file cannot come any more", async () => {
    office.slack.knobs.sharesAfterSeconds = 60;
    office.slack.knobs.next("files.completeUploadExternal", "fail-after");
    await putChart();
    await settled();
    await office.time.pass(200);
    expect(pictures()).toHaveLength(1);
    expect(office.log.of("slack", "files.delete")).toHaveLength(1);
  });

  it.each(["chart uploaded", "outbox sent"])("is seen once though a worker dies at: %s", async (point) => {
    // Mails die at the same points; the lab's people were told of the run by then.
    await eventually(() => office.mail.mailbox("cleo@example.com")[0]);
    let dies = true;
    office.ctx.point = (name) => {
      if (name !== point || !dies) return Promise.resolve();
      dies = false;
      return Promise.reject(new Error("killed"));
    };
    await putChart();
    await eventually(() => !dies || undefined);
    await sql`update muster.outbox set taken_until = clock_timestamp()`.execute(office.ctx.db);
    // Whoever comes after it comes on the wall, however far the lab's clock is.
    await eventually(async () => (await stateOf("chart")) === "sent" || undefined);
    expect(pictures()).toHaveLength(1);
    expect(shares()).toHaveLength(1);
  });

  it.each(["missing_scope", "file_uploads_disabled"] as const)(
    "that Slack does not take (%s) is told of in the thread, with the place where the report is",
    async (code) => {
      office.slack.knobs.uploadsRefused = code;
      await putChart();
      await settled("parked");
      const [told] = await eventually(() => (threadOf(office).length > 0 ? threadOf(office) : undefined));
      expect(told).toContain(`Slack says ${code}.`);
      expect(told).toContain("muster runs report r1 --out r1.png");
      expect(office.mail.mailbox("ben@example.com").filter(({ subject }) => subject.includes("token"))).toEqual([]);
    },
  );

  it("holds nothing back: while uploads hang, the thread's lines and the mails go out", async () => {
    // However often it is tried in the meantime.
    office.slack.knobs.next("upload", "hang", 100);
    await putChart();
    await eventually(() => office.log.of("slack", "upload")[0]);
    await say(office, ["after it"]);
    await putOut(office.ctx.db, { thread: "mail:ana", dedupeKey: "m", payload: { subject: "s", lines: ["l"] } });
    await eventually(() => threadOf(office).find((line) => line === "after it"));
    await eventually(() => office.mail.mailbox("ana@example.com")[0]);
    expect(pictures()).toEqual([]);
  });

  it("follows its run to another channel when the first is archived", async () => {
    office.slack.archive("C01");
    await putChart();
    await settled();
    expect(pictures("C02")).toHaveLength(1);
  });
});
