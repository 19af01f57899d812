import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { pauseReplay } from "../../src/lab/postgres-pair.ts";
import type { Delivery } from "../../src/lab/slack.ts";
import type { Json } from "../../src/lab/slack-workspace.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const command = "/failover us-west-2 checkout";

/** The same click, made once more by the same person on a card that they still see as it was. */
const again = (delivery: Delivery): Delivery => {
  const { payload } = delivery.envelope;
  const actions = (payload.actions as Json[]).map((action) => ({ ...action, action_ts: "1234567890.000001" }));
  return { ...delivery, envelope: { ...delivery.envelope, payload: { ...payload, actions } } };
};

describe("what Slack delivers more than once", () => {
  let lab: Lab;
  const approvals = async () =>
    lab.query("select from muster.step_event where kind = 'approved' and run = $1", [await lab.newestRun()]);

  beforeAll(async () => {
    lab = await openLab({ patient: true });
  });
  beforeEach(() => {
    lab.slack.knobs.deliveries = 1;
    lab.slack.knobs.acksLost = false;
  });
  afterAll(() => lab.close());

  it("has one effect and one answer: a command that comes three times proposes one run", async () => {
    lab.slack.knobs.deliveries = 3;
    await lab.says("ana", command);
    await lab.time.pass(30);
    expect(await lab.runs()).toHaveLength(1);
    expect(lab.slack.messages("#incident-response")).toHaveLength(1);
    expect(lab.slack.ephemerals("U01").filter(({ text }) => text.startsWith("Run fo-"))).toHaveLength(1);
  });

  it("has one effect and one answer: a click that comes three times approves once", async () => {
    lab.slack.knobs.deliveries = 3;
    await lab.presses("ben", "Approve");
    await lab.time.pass(30);
    expect(await approvals()).toHaveLength(1);
    expect(lab.slack.ephemerals("U02")).toHaveLength(1);
    expect((await lab.thread()).filter((line) => line.startsWith("ben approved"))).toHaveLength(1);
    await lab.presses("cleo", "Decline");
    expect(await lab.untilRests()).toBe("cancelled");
  });

  it("is done although Slack never heard that it arrived, and not again when it is retyped", async () => {
    const known = await lab.runs();
    lab.slack.knobs.acksLost = true;
    const { acknowledged } = await lab.slack.types("U01", "#incident-response", command);
    expect(acknowledged).toBe(false);
    lab.slack.knobs.acksLost = false;
    expect(await lab.says("ana", command)).toMatch(/Run fo-\S+ is doing this, or waits to be approved for it\./);
    await lab.time.pass(30);
    expect(await lab.runs()).toHaveLength(known.length + 1);
  });

  it("is refused when a click that counted is made again from a card as it was, also after the start", async () => {
    await lab.time.until("the card", () => lab.slack.sees("U02", "Approve"), 60);
    const before = lab.slack.ephemerals("U02").length;
    const first = await lab.slack.presses("U02", "Approve");
    await lab.time.until("an answer", () => lab.slack.ephemerals("U02").length > before, 60);
    // Word for word: it is known, and nobody hears of it.
    const told = lab.slack.ephemerals("U02").length;
    expect((await lab.slack.replay(first)).acknowledged).toBe(true);
    await lab.time.pass(5);
    expect(lab.slack.ephemerals("U02")).toHaveLength(told);
    expect(await approvals()).toHaveLength(1);

    // Dealt with once more, as after the death of a server that had said it to the run and not answered yet.
    await lab.query(
      `with taken as (
         update muster.inbox set processed_at = null where seq = (select max(seq) from muster.inbox) returning seq)
       delete from muster.outbox using taken where dedupe_key = 'reply:' || taken.seq`,
    );
    await lab.time.until("an answer", () => lab.slack.ephemerals("U02").length > told, 60);
    expect(lab.slack.ephemerals("U02").at(-1)?.text).toMatch(/^Noted: ben says "approve" to run /);
    expect(await approvals()).toHaveLength(1);

    const answers = async (delivery: Delivery) => {
      const before = lab.slack.ephemerals("U02").length;
      await lab.slack.replay(delivery);
      await lab.time.until("an answer", () => lab.slack.ephemerals("U02").length > before, 60);
      return lab.slack.ephemerals("U02").at(-1)?.text;
    };
    const sentences = (because: string) => `"approve" was refused: ${because}.\nNothing was changed.\n`;
    // So that the run is still on its way when it is cancelled.
    await pauseReplay(lab.pair.replica.server, true);
    expect(await answers(again(first))).toContain(sentences("you have approved it already"));
    await lab.presses("cleo", "Approve");
    await lab.untilTold("Started: move checkout to us-west-2.");
    const later = again(first);
    (later.envelope.payload.actions as Json[]).forEach((action) => (action.action_ts = "1234567890.000002"));
    expect(await answers(later)).toContain(sentences("it was already approved and is under way"));
    expect(await approvals()).toHaveLength(2);
    await lab.says("ben", `/muster runs cancel ${await lab.newestRun()}`);
    expect(await lab.untilRests()).toBe("cancelled");
  });
});
