import { describe, expect, it, jest } from "@jest/globals";
import { parse, stringify } from "yaml";
import { loadReport } from "../../jobs/report/load.ts";
import { east, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** As the estate tells it, the shop's pods keep no data: both regions' write into a database that is not theirs to move. */
function withoutDatabase(yaml: string): string {
  const estate = parse(yaml) as { services: { checkout: object } };
  Object.assign(estate.services.checkout, { databases: [], configs: [] });
  // It goes there and comes back in one story.
  Object.assign(estate, { coolDownMinutes: 0 });
  return stringify(estate);
}

const customers = { count: 2, everySeconds: 5 };

/** What customers were told instead of yes; that a busy machine kept one waiting is not the move's doing. */
const turnedAway = (lab: Lab) =>
  (lab.customer?.orders() ?? [])
    .flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome))
    .filter((outcome) => outcome !== 201 && !String(outcome).startsWith("no answer within"));

describe("a service that keeps no data", () => {
  it("moves there and back with its customers, and touches no database and no pod that is left", async () => {
    await using lab = await openLab({ customers, editEstate: withoutDatabase, patient: true });
    await lab.time.pass(30);
    const before = await lab.asItIs();
    await lab.asks();
    const { text } = await lab.card();
    expect(text).toContain("Move checkout to us-west-2; it keeps no data of its own.");
    expect(text).not.toMatch(/replica|writes lost|no way back/i);
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    expect(await lab.untilRests()).toBe("done");
    const there = await lab.asItIs();
    expect(there).toEqual({ ...before, pods: { east: 3, west: 3 }, shares: { [east]: 0, [west]: 100 } });
    const { loss, now } = await loadReport(lab.ctx(), await lab.newestRun());
    expect(loss).toMatchObject({ predictedSeconds: 0, achievedSeconds: 0 });
    expect(now).toEqual([expect.stringMatching(/^The pods of checkout in us-east-1 were left as they are/)]);

    await lab.starts("/failover us-east-1 checkout");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.asItIs()).toEqual({ ...there, shares: { [east]: 100, [west]: 0 } });
    await lab.customer?.stop();
    expect(turnedAway(lab)).toEqual([]);
  });

  it("comes back on Undo until the very end, and keeps the pods that resolvers may still send customers to", async () => {
    await using lab = await openLab({ customers, editEstate: withoutDatabase, patient: true });
    await lab.time.pass(30);
    const before = await lab.asItIs();
    const runId = await lab.starts();
    await lab.untilTold("Done: check that customers of checkout reach us-west-2");
    await lab.time.pass(20);
    await lab.says("ben", `/muster runs undo ${runId}`);
    expect(await lab.untilRests()).toBe("cancelled");
    expect(await lab.asItIs()).toEqual(before);
    await lab.customer?.stop();
    expect(turnedAway(lab)).toEqual([]);
  });
});
