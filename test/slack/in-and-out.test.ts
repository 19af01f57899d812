import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { putOut } from "../../src/outbox/put.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { eventually, openOffice, proposeRun, type Office } from "./office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

describe("the way in and out", () => {
  it("answers a command privately, after acknowledging it at once", async () => {
    await office.listen();
    const delivery = await office.slack.types("U01", "C01", `/failover us-west-2 checkout --reason "it is dark"`);
    expect(delivery.acknowledged).toBe(true);
    const answer = await eventually(() => office.slack.ephemerals("U01").find((one) => one.text.startsWith("heard")));
    expect(answer.text).toBe("heard us-west-2 checkout --reason it is dark");
    expect(office.calls).toMatchObject([{ person: { name: "ana" }, place: { kind: "slack", channel: "C01" } }]);
  });

  it("shows a card, a line in its thread, and takes a press of its button", async () => {
    await office.listen();
    await proposeRun(office);
    await putOut(office.ctx.db, { thread: "run:r1", dedupeKey: "e1", payload: { lines: ["ben approved (1 of 2)."] } });
    wakeOutbox();
    const card = await eventually(() => office.slack.messages("C01")[0]);
    const line = await eventually(() => office.slack.thread("C01", card.ts)[1]);
    expect(line.text).toBe("ben approved (1 of 2).");
    await office.slack.presses("U02", "Approve");
    const noted = await eventually(() => office.slack.ephemerals("U02")[0]);
    expect(noted.text).toBe("noted approve by ben");
    expect(office.presses).toMatchObject([
      { verb: "approve", runId: "r1", person: "ben", planHash: "abcdef0123456789" },
    ]);
  });
});
