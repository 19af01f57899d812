import { describe, expect, it, jest } from "@jest/globals";
import { loadReport } from "../../jobs/report/load.ts";
import { east, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { ask } from "../../src/lab/postgres-pair.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** Brings the east back and waits until the run that fences it is over. Returns that run's id. */
async function eastReturns(lab: Lab): Promise<string> {
  await lab.setRegionDead(east, false);
  await lab.time.until("somebody fences it", async () => (await lab.runs()).length > 1, 600);
  const refence = await lab.newestRun();
  expect(refence).toMatch(/^rf-/);
  await lab.time.until("it is fenced", async () => (await lab.stateOf(refence)) === "done", 600);
  return refence;
}

/** Waits until a card says something: it is edited every few seconds. */
const cardSays = (lab: Lab, runId: string, words: string | RegExp) =>
  lab.time.until(`the card says ${String(words)}`, async () => (await lab.card(runId)).text.search(words) >= 0, 60);

describe("an old region that answers again", () => {
  it("while the new one is still watched, is fenced with its parent's approval, and serves nobody a write", async () => {
    await using lab = await openLab({
      strideSeconds: 5,
      customers: { count: 1, everySeconds: 10 },
      estate: { stabilitySeconds: 300 },
    });
    await lab.time.pass(20);
    await lab.setRegionDead(east, true);
    await lab.time.pass(30);
    const parent = await lab.starts();
    await lab.untilTold("Waiting to watch checkout");
    const refence = await eastReturns(lab);
    expect(await lab.stateOf(parent)).toBe("running");
    await lab.time.until("the window held", async () => (await lab.stateOf(parent)) === "done", 4 * 3600);
    await lab.customer?.stop();

    expect((await lab.thread(refence))[0]).toMatch(
      /^Started: fence checkout-db of checkout, which answers again\. Approved with its parent's plan\.\n<@U01> <@U02> <@U03>$/,
    );
    const { byOldSideAfterPromotion, unasked, writes } = await lab.orders();
    expect({ byOldSideAfterPromotion, unasked }).toEqual({ byOldSideAfterPromotion: 0, unasked: 0 });
    expect(writes.west).toBeGreaterThan(0);
    const { writers, pods, shares } = await lab.asItIs();
    expect({ writers, pods, shares }).toEqual({
      writers: [west],
      pods: { east: 0, west: 3 },
      shares: { [east]: 0, [west]: 100 },
    });
    expect((await loadReport(lab.ctx(), parent)).now.join("\n")).toContain(
      `checkout-db came back, and was fenced by run ${refence} at `,
    );
  });

  it("a day later, is fenced all the same, and what only it holds corrects the report", async () => {
    await using lab = await openLab({ strideSeconds: 10 });
    await lab.time.pass(20);
    await lab.setRegionDead(east, true);
    await lab.time.pass(30);
    const parent = await lab.starts();
    expect(await lab.untilRests()).toBe("done");
    await cardSays(lab, parent, "checkout-db is not fenced: it was out of reach.");
    lab.time.strideSeconds = 3600;
    await lab.time.pass(24 * 3600);
    lab.time.strideSeconds = 10;
    await ask(
      lab.pair.primary.server,
      "insert into orders (number, customer, total_cents) values (900, 'Ada', 1), (901, 'Ada', 1)",
    );
    expect(await lab.orders()).toMatchObject({ byOldSideAfterPromotion: 2, harmed: 2 });
    const refence = await eastReturns(lab);
    const found =
      "2 rows stand at checkout-db alone, 2 of them written after the promotion; what it has is kept there until somebody decides.";
    await lab.time.until("it is told", async () => (await lab.thread(refence)).join("\n").includes(found), 60);
    await cardSays(lab, refence, found);
    expect((await lab.card(refence)).buttons).toEqual([]);
    await cardSays(lab, parent, `checkout-db came back, and was fenced by run ${refence} at `);
    await cardSays(lab, parent, "; 2 rows were left on the old writer.");
    expect((await loadReport(lab.ctx(), parent)).loss.rowsLeftBehind).toBe(2);
    expect((await lab.asItIs()).writers).toEqual([west]);
    const newestMail = () => lab.mail.mailbox("cleo@example.com").at(-1)?.subject;
    const fenced =
      "[Muster] fence checkout-db of checkout, which answers again: Done: fence checkout-db of checkout, which answers again.";
    await lab.time.until("cleo has a mail of it", () => newestMail() === fenced, 60);
  });
});
