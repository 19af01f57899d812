import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { putOut } from "../../src/outbox/put.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { openOffice, proposeRun, type Office } from "../slack/office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

const posts = () => office.log.of("slack", "chat.postMessage");
const looks = () => office.log.of("slack", "users.conversations");
const incidents = () => office.slack.messages("C01");
const isIn = (member: boolean) => (office.slack.workspace.channels.get("C01")!.botIsMember = member);

/** Proposes a run whose card Slack takes without saying so. */
async function proposeInDoubt() {
  office.slack.knobs.next("chat.postMessage", "fail-after");
  await proposeRun(office);
  await office.time.until("the first post", () => posts().length > 0, 60);
}

describe("a card whose first post may have arrived", () => {
  it("is looked for, and not posted twice, though its channel was missed a moment ago", async () => {
    // As after somebody's command, when the app was not invited yet.
    office.client.channelsKnownUntil = new Date(office.time.clock.now().getTime() + 3600_000);
    await proposeInDoubt();
    await office.time.until("a look", () => office.log.of("slack", "conversations.history").length > 0, 60);
    await office.time.pass(60);
    expect(posts()).toHaveLength(1);
    expect(incidents()).toHaveLength(1);
  });

  it("waits a while where Slack does not show its channel, and is found once it does", async () => {
    await proposeInDoubt();
    isIn(false);
    await office.time.until("a look", () => looks().length > 0, 60);
    expect(posts()).toHaveLength(1);
    isIn(true);
    await office.time.until("it is found", () => office.log.of("slack", "conversations.history").length > 0, 60);
    await office.time.pass(60);
    expect(posts()).toHaveLength(1);
    expect(incidents()).toHaveLength(1);
  });

  it.each(["thrown out", "archived"])("goes to the estate's next channel where the app is %s for good", async (how) => {
    await proposeInDoubt();
    if (how === "archived") office.slack.archive("C01");
    else isIn(false);
    await office.time.until("another card", () => office.slack.messages("C02").length > 0, 120);
    expect(looks().length).toBeLessThan(6);
    expect(incidents()).toHaveLength(1);
  });
});

describe("a notice whose first post may have arrived", () => {
  it("is left where its channel is gone", async () => {
    office.slack.knobs.next("chat.postMessage", "fail-after");
    await putOut(office.ctx.db, { thread: "channel:#incident-response", dedupeKey: "n", payload: { lines: ["news"] } });
    wakeOutbox();
    await office.time.until("the first post", () => posts().length > 0, 60);
    isIn(false);
    const ends = async () => {
      const row = office.ctx.db.selectFrom("outbox").select(["state", "because"]).where("dedupe_key", "=", "n");
      return row.executeTakeFirst();
    };
    await office.time.until("it is left", async () => (await ends())?.state === "parked", 120);
    expect(await ends()).toEqual({ state: "parked", because: "not_in_channel" });
  });
});
