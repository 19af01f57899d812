import { describe, expect, it, jest } from "@jest/globals";
import { west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** What the run has for its thread, in the order in which it was written. */
async function written(lab: Lab, runId: string): Promise<string[]> {
  const rows = await lab.query<{ line: string }>(
    "select payload -> 'lines' ->> 0 as line from muster.outbox where thread = $1 order by seq",
    [`run:${runId}`],
  );
  return rows.map(({ line }) => line);
}

/** Waits until all of it is in Slack, and expects it there once and in order, under one card. */
async function arrivesOnce(lab: Lab, runId: string): Promise<void> {
  const firstLines = async () => (await lab.thread(runId)).map((text) => text.split("\n")[0]);
  const arrived = async () =>
    (await lab.query("select from muster.outbox where state in ('waiting', 'sending')")).length === 0;
  await lab.time.until("everything is told", arrived, 3600);
  const wanted = await written(lab, runId);
  // Where no server ran, the status page is told last as well.
  const ofTheRun = wanted.filter((line) => !line.startsWith("Customers are told on the status page"));
  expect(ofTheRun.at(-1)).toBe("Done: move checkout to us-west-2.");
  expect(await firstLines()).toEqual(wanted);
  expect(lab.slack.messages("#incident-response")).toHaveLength(1);
}

/** Has ana ask, and ben and cleo approve, all of them in a terminal. Tells what cleo read while she followed the run. */
async function startsInTerminals(lab: Lab): Promise<{ runId: string; read: string }> {
  const codes = { ben: await lab.enrols("ben"), cleo: await lab.enrols("cleo") };
  const asked = await lab.types("ana", ["failover", "us-west-2", "checkout", "--reason", "Slack is down too"]);
  expect(asked.text).toContain("Move checkout to us-west-2, with the old side alive.");
  const runId = await lab.newestRun();
  expect(asked.text).toContain(
    `Two approvers, not ana, approve it within 15 minutes: muster runs approve ${runId} --code <code>.`,
  );
  const wrong = await lab.types("ben", ["runs", "approve", runId, "--code", "000000"]);
  expect(wrong).toEqual({
    status: 1,
    text: expect.stringContaining("The code was wrong, or had been used before.") as unknown,
  });
  const first = await lab.types("ben", ["runs", "approve", runId, "--code", codes.ben()]);
  expect(first.text).toContain("proposed; 1 approved so far.");
  const [second] = await Promise.all([
    lab.types("cleo", ["runs", "approve", runId, "--code", codes.cleo()]),
    lab.untilRests(),
  ]);
  expect(second.status).toBe(0);
  return { runId, read: second.text };
}

describe("while Slack is down", () => {
  it("a move is asked for, approved and followed in terminals with no server, and told in Slack afterwards", async () => {
    await using lab = await openLab({ serve: false, strideSeconds: 10, patient: true });
    lab.slack.knobs.down = "refuses";
    const { runId, read } = await startsInTerminals(lab);
    for (const line of [
      "cleo approved (2 of 2).",
      "Started: move checkout to us-west-2. Approved by ben and cleo.",
      "Done: make checkout-db-west in us-west-2 the writer of checkout",
      "Done: move checkout to us-west-2.",
      `Run ${runId}: done.`,
    ])
      expect(read).toContain(line);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    expect(lab.doubled()).toEqual([]);
    lab.slack.knobs.down = false;
    await lab.startMuster();
    await arrivesOnce(lab, runId);
  });

  it("a server goes on with it, the approvers hear by mail, and Slack has it all once it is back", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    lab.slack.knobs.down = "refuses";
    const { runId, read } = await startsInTerminals(lab);
    expect(read).toContain(`Run ${runId}: done.`);
    const subjects = () => lab.mail.mailbox("cleo@example.com").map(({ subject }) => subject);
    await lab.time.until("the mails are there", () => subjects().length >= 6, 600);
    expect(subjects().toSorted()).toEqual([
      "[Muster] Slack takes no messages from Muster",
      "[Muster] ana asks to move checkout to us-west-2",
      "[Muster] ben has a new authenticator",
      "[Muster] cleo has a new authenticator",
      "[Muster] move checkout to us-west-2: Done: move checkout to us-west-2.",
      "[Muster] move checkout to us-west-2: Started: move checkout to us-west-2. Approved by ben and cleo.",
    ]);
    expect(lab.slack.messages("#incident-response")).toEqual([]);
    lab.slack.knobs.down = false;
    await arrivesOnce(lab, runId);
  });
});

describe("while Slack fails half of what it is asked, and asks to be left alone", () => {
  it("a run waits for none of it, and each line is there once and in order", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    const runId = await lab.starts();
    lab.slack.knobs.errorRate = 0.5;
    lab.slack.knobs.retryAfterSeconds = 60;
    lab.slack.knobs.next("chat.postMessage", "fail-after", 2);
    lab.slack.knobs.next("chat.postMessage", "throttle");
    expect(await lab.untilRests()).toBe("done");
    lab.slack.knobs.errorRate = 0;
    await arrivesOnce(lab, runId);
    const failed = lab.log.of("slack", "chat.postMessage").filter(({ status }) => status !== 200);
    expect(failed.length).toBeGreaterThan(2);
  });
});
