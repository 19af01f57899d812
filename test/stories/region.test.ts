import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { findJob } from "../../jobs/index.ts";
import { east, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { pauseReplay } from "../../src/lab/postgres-pair.ts";
import { checkout, type ServiceWish } from "../../src/lab/services.ts";

jest.setTimeout(240_000);

const services: ServiceWish[] = [
  checkout,
  { name: "payments", tier: "critical", database: true },
  { name: "search", tier: "important", dependsOn: ["checkout"] },
];

/** Of a service without data: where its customers are led, and that they are served. */
const reached = { dns: [west], shares: { [west]: 100 }, status: 200 };
const moved = { writers: expect.arrayContaining([west]), dns: [west], shares: { [west]: 100 }, status: 200 };
const still = { writers: [east], dns: [east], status: 200 };

describe("/failover us-west-2, when us-east-1 is dark", () => {
  let lab: Lab;
  let runId: string;
  beforeAll(async () => {
    lab = await openLab({ strideSeconds: 15, services });
    await lab.time.pass(20);
    await lab.setRegionDead(east, true);
    await lab.time.pass(30);
    runId = await lab.starts(`/failover ${west}`);
    await lab.untilRests();
  }, 240_000);
  afterAll(() => lab.close());

  it("moves every service in one run", async () => {
    expect(await lab.stateOf(runId)).toBe("done");
    for (const seen of await lab.everyService()) expect(seen).toMatchObject(seen.name === "search" ? reached : moved);
    expect(await lab.runs()).toEqual([runId]);
  });

  it("begins the second wave when the customers of the first are back, and not before", async () => {
    const timeline = await lab.timeline(runId);
    const at = (words: RegExp) => timeline.findIndex((line) => words.test(line));
    const second = at(/^Done: start wave 2/);
    expect(second).toBeGreaterThan(at(/^Done: .*checkout.*(reach|see|customers|public)/i));
    expect(at(/^Starting to .*search/)).toBeGreaterThan(second);
    expect(lab.log.of("rds", "PromoteReadReplica").map(({ resource }) => resource.split("/")[1])).toEqual([
      expect.stringMatching(/^(checkout|payments)-db-west$/),
      expect.stringMatching(/^(checkout|payments)-db-west$/),
    ]);
  });

  it("shows services on its card, and what became of each where the run is shown", async () => {
    const { text } = await lab.card(runId);
    expect(text).toContain("3 of 3 services are through");
    expect(text).toContain("3 of 3 services serve their customers in the new region.");
    const { text: shown } = await lab.types("ana", ["runs", "show", runId]);
    expect(shown).toMatch(/1\. checkout +served after .*\n *1\. payments +served after .*\n *2\. search/);
    // No step is left that anybody could wait for.
    const [, counted, ...rest] = shown.split("\n");
    expect(counted).toMatch(/^ {2}(\d+) of \1 steps are done, 0 not begun\.$/);
    const told = rest.slice(rest.indexOf("What was told, the newest 30 lines:") + 1);
    expect(told.slice(0, 30).every((line) => /^\d\d:\d\d:\d\dZ {2}\S/.test(line))).toBe(true);
    expect(told.slice(30)).toEqual([`All of it, and every step: muster runs report ${runId}, in a terminal.`]);
  });

  it("has a report with the whole and each service, in Slack, as Markdown and as a page", async () => {
    const told = await lab.says("ana", `/muster runs report ${runId}`);
    expect(told).toMatch(/^.*\. All times are UTC\.\n/);
    expect(told).toMatch(/\nCustomers served again, every service: 2\d{3}-/);
    expect(told).toMatch(
      /\n1\. checkout: served since 2.*, window held\. Service recovery: [\d.]+ \w+, kept \(objective /,
    );
    const { text: markdown } = await lab.types("ana", ["runs", "report", runId]);
    const heads = markdown.split("\n").filter((line) => line.startsWith("#"));
    expect(heads.slice(1)).toEqual(
      ["Moments", "Figures", "What now", "Services", "Steps", "Timeline"].map((one) => `## ${one}`),
    );
    expect(markdown).toMatch(/\n- All services back: [\d.]+ minutes, from the first one's last green probe/);
    expect(markdown).toMatch(/\n\| 1 \| payments \| served since .* \| at most \d+ s, kept \| /);
    expect(markdown).toMatch(/\n\| 2 \| search \| served since .* \| none; it keeps no data \|/);
    expect(markdown).toMatch(/\n- checkout: checkout-db is not fenced: it was out of reach\./);
    const { text: page } = await lab.types("ana", ["runs", "report", runId, "--format", "html"]);
    expect(page).toMatch(/<tr><td>1<\/td><td>checkout<\/td><td>served since /);
    expect(page).toMatch(/>Service clock: [\d.]+ minutes until the last service was back</);
  });

  it("has nothing left to do afterwards", async () => {
    expect(await lab.says("ana", `/failover ${west}`)).toMatch(/Every service is in us-west-2 already: .*checkout/);
  });
});

describe("a service that parks", () => {
  it("stops nobody else: the next wave begins without it, and it goes on once a person has looked", async () => {
    await using lab = await openLab({ strideSeconds: 15, services, patient: true });
    // Eight tries for each of the two services of the first wave; then the cloud is well again.
    lab.rds.knobs.next("PromoteReadReplica", "fail-before", 16);
    const runId = await lab.starts(`/failover ${west}`);
    await lab.time.until(
      "payments or checkout is parked",
      async () => (await lab.thread(runId)).some((line) => line.startsWith("Parked: ")),
      3600,
    );
    await lab.untilRests();
    expect(await lab.runs()).toEqual([runId]);
    const seen = Object.fromEntries((await lab.everyService()).map((one) => [one.name, one]));
    expect(seen["search"]).toMatchObject(reached);
    expect(await lab.stateOf(runId)).toBe("running");
    expect((await lab.says("ana", `/muster runs show ${runId}`)).split("\n")[1]).toMatch(/^ *! .*\. Parked: /);
    await lab.presses("ben", "Continue all");
    await lab.untilRests();
    expect(await lab.stateOf(runId)).toBe("done");
    for (const one of await lab.everyService()) expect(one).toMatchObject(one.name === "search" ? reached : moved);
    expect(lab.doubled()).toEqual([]);
  });
});

describe("a region in which one service is in another run's hands", () => {
  it("leaves that one alone, says so on the card, and frees the others once it was called off", async () => {
    await using lab = await openLab({ strideSeconds: 15, services, patient: true });
    await lab.pair.setLink("silent");
    const first = await lab.starts(`/failover ${west} checkout`);
    await lab.says("ana", `/failover ${west}`);
    const second = await lab.newestRun();
    expect(second).not.toBe(first);
    const card = await lab.card(second);
    expect(card.text).toContain(`checkout is not moved by this: run ${first} has it in its hands.`);
    expect(card.text).toContain("Move 2 services to us-west-2, in 2 waves.");
    // Who approves in a terminal reads the plan there: every step of it.
    const plan = (await lab.types("cleo", ["runs", "show", second])).text.split("\n");
    expect(plan[1]).toBe("Move 2 services to us-west-2, in 2 waves.");
    expect(plan).toContain("What was told:");
    for (const service of ["payments", "search"])
      expect(plan.filter((line) => line.startsWith(`  · ${service}/`)).length).toBeGreaterThan(4);
    const payments = async () => (await lab.everyService()).find(({ name }) => name === "payments");
    expect(await payments()).toMatchObject(still);

    // Its first wave is fenced and its second one waits when somebody calls it off.
    const replica = lab.services.find(({ name }) => name === "payments")?.pair?.replica.server;
    if (replica) await pauseReplay(replica, true);
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    await lab.untilTold("Done: stop all writes of payments");
    expect(await payments()).toMatchObject({ writers: [] });
    await lab.untilTold("Waiting to start wave 2 ");
    await lab.presses("ben", "Cancel");
    expect(await lab.untilRests(1800)).toBe("cancelled");
    // Its pods are asked for again, and take a moment to serve.
    await lab.time.pass(60);
    expect(await payments()).toMatchObject(still);
    expect((await lab.thread(second)).at(-1)).toMatch(
      /^Cancelled: ben turned it back; what had been changed was undone\./,
    );
    const over = await lab.card(second);
    expect(over.buttons).toEqual([]);
    expect(over.text).toContain("↩️ as before: payments, search");
    const report = await findJob("failover-region").report?.(lab.ctx(), second);
    expect(report?.whole.slice(1)).toEqual([
      "  1. payments  turned back",
      "  2. search    turned back",
      "0 of 2 services of this run serve their customers in the new region.",
      "Turned back, and not moved: payments, search.",
      `checkout was not moved: run ${first} has it in its hands.`,
    ]);
    // Nothing holds its services any more, though checkout is still in the other run's hands.
    expect(await lab.query("select service from muster.run_service where run = $1", [second])).toEqual([]);
    expect(await lab.says("dora", `/failover ${west} payments`)).toMatch(/Nothing has been changed yet/);
  });
});
