import { describe, expect, it, jest } from "@jest/globals";
import { east, statusPage } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { pauseReplay } from "../../src/lab/postgres-pair.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const { basket, payment, newsletter } = statusPage.components;

/** The status of each update that customers read, of all incidents, the oldest first. */
const statuses = (lab: Lab) =>
  lab.statusPage
    .incidents()
    .toReversed()
    .flatMap(({ incident_updates: updates }) => updates.toReversed().map(({ status }) => status));

const shown = (lab: Lab) => [basket, payment, newsletter].map((id) => lab.statusPage.statusOf(id));

/** Waits until customers were told all there is. */
async function untilTold(lab: Lab): Promise<void> {
  const isTold = async () =>
    (await lab.query("select from muster.outbox where state in ('waiting', 'sending')")).length === 0;
  await lab.time.until("everything is told", isTold, 3600);
}

describe("customers who look at the status page", () => {
  it("read of a lost region until it is over, in one incident, though Statuspage fails after taking it", async () => {
    await using lab = await openLab({ strideSeconds: 10 });
    await lab.pair.setLink("refuses");
    await lab.time.pass(30);
    await lab.setRegionDead(east, true);
    const redProbes = () => lab.query("select from muster.probe where not ok");
    // Step by step: a probe of what is silent is not waited for, and time must not leap over the next.
    while ((await redProbes()).length < 2) await lab.time.pass(10);
    lab.statusPage.knobs.next("POST incidents", "fail-after");
    lab.statusPage.knobs.next("PATCH incidents/one", "fail-after");
    const runId = await lab.starts();
    await lab.untilTold("Customers are told on the status page");
    expect(shown(lab)).toEqual(["major_outage", "major_outage", "operational"]);
    expect(await lab.untilRests()).toBe("done");
    await untilTold(lab);
    expect(statuses(lab)).toEqual(["investigating", "identified", "monitoring", "resolved"]);
    expect(shown(lab)).toEqual(["operational", "operational", "operational"]);
    const [incident] = lab.statusPage.incidents();
    expect(incident?.metadata).toMatchObject({ muster: { run: runId } });
    expect(JSON.stringify(incident?.incident_updates)).not.toMatch(/us-(east|west)|checkout-db|example\.com|muster/i);
    expect(await lab.thread(runId)).toContain(`Customers are told on the status page: ${incident?.shortlink}.`);
    expect(await lab.timeline(runId)).toContain(`Customers are told on the status page: ${incident?.shortlink}.`);
  });

  it("read of a planned move as of maintenance; what somebody else set meanwhile stays, and people hear of it", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await lab.asks();
    expect((await lab.card()).text).toContain("We are moving the services named here to another location.");
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    await lab.untilTold("Customers are told on the status page");
    expect(shown(lab)).toEqual(["under_maintenance", "under_maintenance", "operational"]);
    lab.statusPage.setComponent(payment, "partial_outage");
    expect(await lab.untilRests()).toBe("done");
    await untilTold(lab);
    expect(statuses(lab).at(-1)).toBe("resolved");
    expect(shown(lab)).toEqual(["operational", "partial_outage", "operational"]);
    expect(await lab.thread()).toContain(
      `The incident on the status page is resolved. Somebody else has set "Payment" to "partial outage" on the status page; Muster leaves it so.`,
    );
  });
});

describe("while the status page is down", () => {
  it("a run waits for none of it; customers are told afterwards and in order, and people hear that they are not told yet", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    lab.statusPage.knobs.down = "refuses";
    const runId = await lab.starts();
    expect(await lab.untilRests()).toBe("done");
    expect(lab.statusPage.incidents()).toEqual([]);
    await lab.untilTold("The status page has taken nothing from Muster for about a minute");
    lab.statusPage.knobs.down = false;
    await untilTold(lab);
    expect(statuses(lab)).toEqual(["investigating", "identified", "monitoring", "resolved"]);
    expect(shown(lab)).toEqual(["operational", "operational", "operational"]);
    expect(
      (await lab.thread(runId)).filter((line) => line.startsWith("The status page has taken nothing")),
    ).toHaveLength(1);
  });
});

describe("with a token that Statuspage does not know", () => {
  it("a run is done all the same, nothing is told, and people read why once, without the token", async () => {
    const token = "0123456789abcdef-wrong";
    await using lab = await openLab({ strideSeconds: 10, patient: true, settings: { STATUSPAGE_TOKEN: token } });
    const runId = await lab.starts();
    expect(await lab.untilRests()).toBe("done");
    await untilTold(lab);
    expect(lab.statusPage.incidents()).toEqual([]);
    const thread = await lab.thread(runId);
    expect(thread.filter((line) => line.startsWith("The status page was not told"))).toEqual([
      expect.stringContaining(
        `was not told "investigating": Statuspage does not know Muster's token; it answers 401 (Could not authenticate). The run does not wait for it.`,
      ),
    ]);
    expect(JSON.stringify([thread, await lab.query("select * from muster.outbox")])).not.toContain(token);
  });
});

describe("a move that is called off", () => {
  it("leaves the incident open with its components, and says that a person has to close it", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await lab.asks();
    await pauseReplay(lab.pair.replica.server, true);
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    await lab.untilTold("Done: stop all writes of checkout");
    await lab.says("ben", `/muster runs undo ${await lab.newestRun()}`);
    expect(await lab.untilRests()).toBe("cancelled");
    await untilTold(lab);
    expect(statuses(lab)).toEqual(["investigating", "identified"]);
    expect(lab.statusPage.incidents()[0]?.incident_updates[0]?.body).toMatch(/^We have stopped this maintenance\./);
    expect(shown(lab)).toEqual(["under_maintenance", "under_maintenance", "operational"]);
    const last = (await lab.thread()).find((line) => line.startsWith("Cancelled: "));
    expect(last).toContain("The incident on the status page stays open: once customers are served, close it there");
  });
});
