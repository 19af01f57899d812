import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { loadReport } from "../../jobs/report/load.ts";
import type { Report } from "../../jobs/report/failover.ts";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const customers = { count: 1, everySeconds: 5 };

/** Where in a thread each sentence begins a line, so that a told story can be read in its order. */
const placesOf = (lines: string[], sentences: string[]) =>
  sentences.map((sentence) => lines.findIndex((line) => line.startsWith(sentence)));

describe("a planned move to us-west-2 while customers buy", () => {
  let lab: Lab;
  let runId: string;
  const whileItRuns: string[] = [];

  beforeAll(async () => {
    lab = await openLab({ customers, patient: true });
    await lab.time.pass(30);
    await lab.asks('/failover us-west-2 checkout --reason "planned move"');
    runId = await lab.newestRun();
    await lab.presses("ben", "Approve");
    await lab.presses("cleo", "Approve");
    for (const command of ["/failover us-east-1 checkout", "/failover us-west-2 checkout --ungraceful"])
      whileItRuns.push(await lab.says("dora", command));
    whileItRuns.push(await lab.says("dora", "/failover us-west-2 checkout"));
    await lab.untilRests();
    await lab.time.pass(60);
    await lab.customer?.stop();
  });
  afterAll(() => lab.close());

  it("loses no order and stores none twice", async () => {
    const { accepted, lost, doubled, byOldSideAfterPromotion, harmed, writes } = await lab.orders();
    const harm = { lost, doubled, byOldSideAfterPromotion, harmed };
    expect(harm).toEqual({ lost: 0, doubled: 0, byOldSideAfterPromotion: 0, harmed: 0 });
    expect(writes.east).toBeGreaterThan(0);
    expect(writes.west).toBeGreaterThan(0);
    expect(accepted).toBe(writes.east + writes.west);
  });

  it("leaves one writer, which the application knows and DNS leads to", async () => {
    expect(await lab.asItIs()).toEqual({
      DB_HOST: endpointOf(west),
      pods: { east: 0, west: 3 },
      appMayLogIn: true,
      writers: [west],
      shares: { [east]: 0, [west]: 100 },
    });
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });

  it("changes each thing once", () => {
    const changes = lab.changes().filter((change) => !/us-west-2\/shop\/checkout/.test(change));
    expect(changes.toSorted()).toEqual([
      "kubernetes-us-east-1: kubernetes:us-east-1/shop/checkout replicas=0",
      `kubernetes-us-west-2: kubernetes:us-west-2/shop/app-config DB_HOST=${endpointOf(west)}`,
      "rds: rds:us-west-2/checkout-db-west promoted",
      "route53: route53:Z0LAB/checkout.example.com us-west-2=100 us-east-1=0",
    ]);
  });

  it("is told in the thread as it happened, and ends with a card that holds the report", async () => {
    const places = placesOf(await lab.thread(runId), [
      "ben approved (1 of 2).",
      "cleo approved (2 of 2).",
      "Started: move checkout to us-west-2. Approved by ben and cleo.",
      "Done: stop all pods of checkout in us-east-1",
      "Done: stop all writes of checkout at checkout-db",
      "Done: wait until checkout-db-west has everything",
      "Done: make checkout-db-west in us-west-2 the writer",
      "Done: let checkout write at checkout-db-west",
      "Done: check that checkout-db-west takes writes",
      "Done: restart the pods of checkout in us-west-2",
      "Done: check checkout in us-west-2 by its own address",
      "Done: send all traffic for checkout to us-west-2",
      "Done: check that customers of checkout reach us-west-2",
      "Done: watch checkout until it has been green for 60 s",
      "Done: move checkout to us-west-2.",
    ]);
    expect(places).not.toContain(-1);
    expect(places.toSorted((left, right) => left - right)).toEqual(places);
    const { text, buttons } = await lab.card(runId);
    expect(text).toMatch(/^Done: move checkout to us-west-2\n/);
    expect(text).toMatch(/Service recovery: .* from the last green probe \(objective 60 minutes, kept\)\./);
    expect(text).toContain("Writes lost: none measured, none predicted (objective 15 minutes, kept).");
    expect(text).toContain("15 of 15 steps done");
    expect(buttons).toEqual([]);
  });

  it("tells its approvers by mail when it is asked for, when it starts and when it is over", () => {
    for (const person of ["ana", "ben", "cleo"]) {
      const subjects = lab.mail.mailbox(`${person}@example.com`).map(({ subject }) => subject);
      expect(subjects).toEqual([
        // Whoever asked need not be told of it.
        ...(person === "ana" ? [] : ["[Muster] ana asks to move checkout to us-west-2"]),
        "[Muster] move checkout to us-west-2: Started: move checkout to us-west-2. Approved by ben and cleo.",
        "[Muster] move checkout to us-west-2: Done: move checkout to us-west-2.",
      ]);
    }
    expect(lab.mail.mailbox("dora@example.com")).toEqual([]);
  });

  it("lets nobody start another move of the service meanwhile, and names the run that has it", () => {
    const [back, forced, same] = whileItRuns;
    const refusal = [
      `Run ${runId} has checkout in its hands (move checkout to us-west-2).`,
      "Nothing was changed by asking.",
      `Wait for it, or look at it: /muster runs show ${runId}.`,
    ].join("\n");
    expect([back, forced]).toEqual([refusal, refusal]);
    expect(same).toContain(`Run ${runId} is doing this, or waits to be approved for it.`);
  });

  it("is not done again: the service is there already", async () => {
    expect(await lab.says("dora", "/failover us-west-2 checkout")).toBe(
      [
        "checkout is in us-west-2 already: checkout-db-west takes its writes, and every DNS answer leads there.",
        "Nothing was changed.",
        "There is nothing left to move; name another region, or look at /muster runs.",
      ].join("\n"),
    );
    expect(await lab.runs()).toEqual([runId]);
  });

  it("is not taken back to an old side whose data stopped when it was left", async () => {
    const before = [await lab.asItIs(), lab.changes()];
    const reply = await lab.says("dora", "/failover us-east-1 checkout");
    expect(reply).toMatch(/Nothing has been changed yet\.\nIt cannot be approved as things are; the card says why\./);
    const { text, buttons } = await lab.card();
    expect(text).toContain("checkout-db is not a replica of checkout-db-west: its data stops where it was last one");
    expect(buttons).toEqual(["Look again"]);
    expect([await lab.asItIs(), lab.changes()]).toEqual(before);
  });
});

describe("a move out of a us-east-1 that is dead", () => {
  let lab: Lab;
  let runId: string;
  let preview: string;
  let report: Report;

  beforeAll(async () => {
    lab = await openLab({ customers });
    await lab.time.pass(20);
    // What is ordered from here on does not reach the replica.
    await lab.pair.setLink("refuses");
    await lab.time.pass(30);
    await lab.setRegionDead(east, true);
    const redProbes = () => lab.query("select from muster.probe where not ok");
    await lab.time.until("the outage is confirmed", async () => (await redProbes()).length > 1, 600);
    await lab.asks();
    runId = await lab.newestRun();
    preview = (await lab.card()).text;
    await lab.presses("ben", "Approve");
    await lab.presses("cleo", "Approve");
    await lab.untilRests();
    await lab.time.pass(60);
    await lab.customer?.stop();
    report = await loadReport(lab.ctx(), runId);
  });
  afterAll(() => lab.close());

  it("says before it is approved what is accepted with it", () => {
    expect(preview).toMatch(/Move checkout to us-west-2, with the old side out of reach/);
    expect(preview).toContain("there will be two writers. Approving accepts that");
    expect(preview).toMatch(/Old side \(us-east-1\)\*.*reached by nobody/);
    expect(preview).toMatch(/Writes lost\*.*up to \d+ s/);
  });

  it("brings the service back, and customers buy again", async () => {
    expect(report.outcome).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    const { writes, unasked } = await lab.orders();
    expect(writes.west).toBeGreaterThan(0);
    expect(unasked).toBe(0);
    expect(lab.customer?.counts().open.length).toBeLessThanOrEqual(1);
  });

  it("measures what was lost, and never less than was", async () => {
    const { lost } = await lab.orders();
    const { predictedSeconds, achievedSeconds } = report.loss;
    expect(lost).toBeGreaterThan(0);
    // One order every five seconds or more.
    expect(achievedSeconds).toBeGreaterThanOrEqual((lost - 1) * customers.everySeconds);
    expect(achievedSeconds).toBeLessThanOrEqual(predictedSeconds ?? 0);
  });

  it("reports the moments in their order, and no redundancy yet", () => {
    const { redundant, ...seen } = report.moments;
    expect(redundant).toBeNull();
    const { impact, detected, declared, approved, writable, served, held } = seen;
    const moments = [impact, detected, declared, approved, writable, served, held].map((at) => Date.parse(at ?? ""));
    expect(moments).not.toContain(NaN);
    // Where names move beside the promotion, pods let the first customers in while the database is still being checked.
    expect(moments.at(4)).toBeGreaterThan(moments.at(3) ?? Infinity);
    const inOrder = moments.toSpliced(4, 1);
    expect(inOrder.toSorted((left, right) => left - right)).toEqual(inOrder);
    const { serviceRecovery, tool, human } = report.seconds;
    expect(serviceRecovery).toBeGreaterThan((tool ?? 0) + (human ?? 0));
  });

  it("says that the old side is not fenced and that there is no replica, on the card too", async () => {
    const { text } = await lab.card(runId);
    for (const words of [
      /UNPROTECTED since .*: checkout-db-west has no replica\./,
      /checkout-db is not fenced: it was out of reach\. Muster looks for it, and fences it as soon as it answers\./,
    ]) {
      expect(report.now.join("\n")).toMatch(words);
      expect(text).toMatch(words);
    }
    expect((await lab.thread(runId)).join("\n")).toMatch(/Could not stop all writes of checkout at checkout-db/);
  });

  it("cannot be led back to a region that nobody sees", async () => {
    const before = lab.changes();
    await lab.says("ana", "/failover us-east-1 checkout");
    const { text, buttons } = await lab.card();
    expect(text).toMatch(/It cannot be approved:\* the database checkout-db cannot be seen/);
    expect(buttons).toEqual(["Look again"]);
    expect(lab.changes()).toEqual(before);
  });
});

describe("a dry run", () => {
  it("shows the plan with its diff, changes nothing, and leaves nothing that anybody could approve", async () => {
    await using lab = await openLab({ patient: true });
    const before = await lab.asItIs();
    const shown = await lab.says("dora", "/failover us-west-2 checkout --dry-run");
    for (const line of [
      /Move checkout to us-west-2, with the old side alive\./,
      /Writes go to.*checkout-db \(us-east-1\).*checkout-db-west \(us-west-2\)/,
      /DB_HOST of shop\/app-config \(us-west-2\).*checkout-db\.us-east-1\.rds\.lab.*checkout-db-west\.us-west-2\.rds\.lab/,
      /Pods of shop\/checkout \(us-east-1\).*3.*0/,
      /DNS shares of checkout\.example\.com.*us-east-1: 100, us-west-2: 0.*us-east-1: 0, us-west-2: 100/,
      /This was a dry run: nothing was changed, and nothing can be approved\./,
    ])
      expect(shown).toMatch(line);
    const typed = await lab.types("dora", ["failover", "us-west-2", "checkout", "--dry-run"]);
    expect(typed.text).toContain("This was a dry run: nothing was changed, and nothing can be approved.");
    await lab.time.pass(60);
    expect(lab.changes()).toEqual([]);
    expect(await lab.asItIs()).toEqual(before);
    expect(await lab.query("select from muster.run union all select from muster.button")).toEqual([]);
    expect(lab.slack.messages("#incident-response")).toEqual([]);
  });
});
