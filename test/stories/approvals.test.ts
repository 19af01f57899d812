import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { pauseReplay } from "../../src/lab/postgres-pair.ts";
import type { WorldSeen } from "../../src/lab/sights.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const command = "/failover us-west-2 checkout";
const refused = (verb: string, because: string) =>
  new RegExp(`^"${verb}" was refused: ${because}\\.\nNothing was changed\\.\nLook at the run: /muster runs show fo-`);

describe("a plan that waits for its approvals", () => {
  let lab: Lab;
  let runId: string;
  let before: WorldSeen;
  const approvals = async () => {
    const sql =
      "select payload ->> 'by' as by from muster.step_event where run = $1 and kind = 'approved' order by seq";
    return (await lab.query<{ by: string }>(sql, [runId])).map(({ by }) => by);
  };
  const isOverAndChangedNothing = async () => {
    expect(await lab.untilRests()).toBe("cancelled");
    expect((await lab.timeline(runId)).some((line) => line.startsWith("Started"))).toBe(false);
    expect(lab.changes()).toEqual([]);
  };
  /** A card is edited every 3 seconds at most. */
  const cardSays = (text: string) =>
    lab.time.until("its card says so", async () => (await lab.card(runId)).text.includes(text), 60);

  beforeAll(async () => {
    lab = await openLab({ patient: true });
    before = await lab.asItIs();
  });
  beforeEach(async () => {
    await lab.says("ana", command);
    runId = await lab.newestRun();
  });
  afterAll(() => lab.close());

  it("is declined by one approver, and by nobody else", async () => {
    expect(await lab.presses("dora", "Decline")).toMatch(
      refused("decline", "dora is not among those who decide here: .*"),
    );
    await lab.presses("ben", "Decline");
    await isOverAndChangedNothing();
    await cardSays("ben declined. Nothing was changed.");
    expect((await lab.card(runId)).buttons).toEqual([]);
    expect(await lab.says("cleo", `/muster runs approve ${runId}`)).toMatch(
      refused("approve", "the run is over \\(cancelled\\)"),
    );
  });

  it("counts neither who asked for it, nor anybody twice, nor who may not approve", async () => {
    expect(await lab.presses("ana", "Approve")).toMatch(
      refused("approve", "you asked for it, and nobody can approve their own request"),
    );
    expect(await lab.presses("dora", "Approve")).toMatch(
      refused("approve", "dora is not among those who decide here: .*"),
    );
    await lab.presses("ben", "Approve");
    expect(await lab.presses("ben", "Approve")).toMatch(refused("approve", "you have approved it already"));
    await lab.time.pass(30);
    expect(await approvals()).toEqual(["ben"]);
    expect((await lab.card(runId)).text).toContain("1 of 2 approvals are in");
    await lab.presses("cleo", "Decline");
    await isOverAndChangedNothing();
  });

  it("leads whoever types the same to the live card", async () => {
    const reply = await lab.says("dora", command);
    expect(reply).toContain(`Run ${runId} is doing this, or waits to be approved for it.`);
    const [card] = lab.slack.messages("#incident-response").slice(-1);
    expect(reply).toContain(`/archives/C01/p${card?.ts.replace(".", "")}|Open the run's card>`);
    expect((await lab.card(runId)).buttons).toEqual(["Approve", "Decline"]);
    await lab.presses("ben", "Decline");
    await isOverAndChangedNothing();
  });

  it("expires after 15 minutes, and then offers one thing: to look again", async () => {
    await lab.presses("ben", "Approve");
    await lab.time.skip(14 * 60);
    expect(await lab.stateOf(runId)).toBe("proposed");
    await lab.time.skip(60);
    await isOverAndChangedNothing();
    await cardSays("Only 1 of 2 approvals came within 15 minutes. Nothing was changed.");
    expect((await lab.card(runId)).buttons).toEqual(["Look again"]);
    expect(await lab.says("cleo", `/muster runs approve ${runId}`)).toMatch(
      refused("approve", "the run is over \\(cancelled\\)"),
    );

    expect(await lab.presses("cleo", "Look again")).toMatch(
      /^Looked again: run fo-.*\. Nothing has been changed yet\./,
    );
    const fresh = await lab.newestRun();
    expect(fresh).not.toBe(runId);
    const card = await lab.card(fresh);
    expect(card.text).toContain("asked for by <@U03>");
    expect(card.text).toContain("0 of 2 approvals are in");
    expect(card.buttons).toEqual(["Approve", "Decline"]);
    await lab.presses("ben", "Decline");
    await isOverAndChangedNothing();
  });

  it("is void when somebody changes the configuration between two approvals, which is named", async () => {
    await lab.presses("ben", "Approve");
    lab.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: "db.elsewhere" }, "kubectl-edit");
    await lab.presses("cleo", "Approve");
    await isOverAndChangedNothing();
    const because = `no longer true: DB_HOST of shop/app-config is "${endpointOf(east)}"; it is "db.elsewhere" now`;
    expect((await lab.thread(runId)).join("\n")).toContain(`The approvals are void: ${because}. Nothing was changed.`);
    await cardSays(`The approvals are void: ${because}. Nothing was changed.`);
    expect((await lab.card(runId)).buttons).toEqual(["Look again"]);
    lab.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: before.DB_HOST ?? null }, "kubectl-edit");
  });

  it("is void when somebody moves the records meanwhile", async () => {
    await lab.presses("ben", "Approve");
    const records = lab.route53.records().filter(({ setIdentifier }) => setIdentifier !== undefined);
    lab.route53.edit(records.map((record) => ({ ...record, weight: 50 })));
    await lab.presses("cleo", "Approve");
    await isOverAndChangedNothing();
    expect((await lab.thread(runId)).join("\n")).toContain(
      "no longer true: checkout.example.com is answered with us-east-1: 100, us-west-2: 0; " +
        "now with us-east-1: 50, us-west-2: 50",
    );
    lab.route53.edit(records);
  });

  it("is void when it was edited where it is kept, and never runs", async () => {
    await lab.presses("ben", "Approve");
    await lab.query(
      `update muster.run set plan = jsonb_set(plan, '{nodes,0,input,host}', '"db.elsewhere"') where id = $1`,
      [runId],
    );
    await lab.presses("cleo", "Approve");
    await isOverAndChangedNothing();
    expect((await lab.thread(runId)).join("\n")).toContain(
      "The approvals are void: the plan in the database is not the one that people were shown. Nothing was changed.",
    );
    expect((await lab.asItIs()).DB_HOST).toBe(before.DB_HOST);
  });

  it("is void when one of those who approved has left the approvers by the time it counts", async () => {
    await lab.presses("ben", "Approve");
    await lab.editEstate((yaml) => yaml.replace(/(approvers:\n\s+- ana\n)\s+- ben\n/, "$1"));
    await lab.presses("cleo", "Approve");
    await isOverAndChangedNothing();
    expect((await lab.thread(runId)).join("\n")).toContain(
      "The approvals are void: ben, who approved it, is no longer among those who may. Nothing was changed.",
    );
    expect(await lab.asItIs()).toEqual(before);
  });

  it("takes no click of somebody who left the approvers after it was shown", async () => {
    await lab.editEstate((yaml) => yaml.replace(/(approvers:\n(\s+)- ana\n)/, "$1$2- ben\n"));
    await lab.presses("ana", "Decline");
    await lab.untilRests();
    await lab.says("ana", command);
    runId = await lab.newestRun();
    await lab.editEstate((yaml) => yaml.replace(/(approvers:\n\s+- ana\n)\s+- ben\n/, "$1"));
    expect(await lab.presses("ben", "Approve")).toMatch(
      refused("approve", "ben is not among those who decide here: ana, cleo"),
    );
    expect(await approvals()).toEqual([]);
    await lab.presses("cleo", "Decline");
    await isOverAndChangedNothing();
  });
});

describe("approvals in the same moment", () => {
  it("count once each: two of three who press at once, and whoever comes later is told", async () => {
    await using lab = await openLab({ patient: true });
    await lab.says("dora", command);
    const runId = await lab.newestRun();
    // So that the run is still on its way when it is cancelled.
    await pauseReplay(lab.pair.replica.server, true);
    await lab.time.until("the card", () => lab.slack.sees("U01", "Approve"), 60);
    await Promise.all(["U01", "U02", "U03"].map((id) => lab.slack.presses(id, "Approve")));
    await lab.untilTold("Started: move checkout to us-west-2.");
    const isTold = async () => (await lab.thread(runId)).some((line) => line.startsWith("Started: "));
    await lab.time.until("the thread says so", isTold, 60);
    const thread = await lab.thread(runId);
    expect(thread.filter((line) => / approved \(\d of 2\)\.$/.test(line))).toHaveLength(2);
    const rows = await lab.query<{ by: string }>(
      "select payload ->> 'by' as by from muster.step_event where run = $1 and kind = 'approved'",
      [runId],
    );
    expect(new Set(rows.map(({ by }) => by)).size).toBe(2);
    expect(rows).toHaveLength(2);
    const late = ["ana", "ben", "cleo"].find((name) => !rows.some(({ by }) => by === name)) ?? "";
    expect(await lab.says(late, `/muster runs approve ${runId}`)).toMatch(
      refused("approve", "it was already approved and is under way"),
    );
    await lab.says("ben", `/muster runs cancel ${runId}`);
    expect(await lab.untilRests()).toBe("cancelled");
  });
});
