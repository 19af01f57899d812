import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { SpanStatusCode } from "@opentelemetry/api";
import { Activity } from "../../src/activity.ts";
import { call, type CallContext } from "../../src/call.ts";
import { openDriver } from "../../src/engine/drive.ts";
import { openLab } from "../../src/lab/lab.ts";
import { currentTrace, inSpan } from "../../src/trace.ts";
import { approve, engineContext, openEngineLab, planOf, propose, quiet } from "../engine/engine-lab.ts";
import { World } from "../engine/world.ts";
import { traceIntoMemory, wayTo } from "./memory.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const redact = (text: string) => text.replaceAll("hunter2", "[redacted]");
/** A busy machine is not a lost lease, nor a call that nobody answers. */
const patient = { leaseMs: 10_000, callTimeoutMs: 5000 };
const plain: CallContext = {
  point: () => Promise.resolve(),
  activity: new Activity(),
  callTimeoutMs: 1000,
  log: quiet,
  redact,
};

describe("without an SDK", () => {
  it("nothing is traced, and everything works", async () => {
    expect(await inSpan("work", { redact }, () => Promise.resolve(currentTrace() ?? "no trace"))).toBe("no trace");
    await expect(inSpan("work", { redact }, () => Promise.reject(new Error("broke")))).rejects.toThrow("broke");
  });
});

describe("with an SDK", () => {
  let traced: ReturnType<typeof traceIntoMemory>;
  const named = (name: string) => traced.spans().filter((span) => span.name === name);
  const idOf = (name: string) => named(name)[0]?.spanContext().traceId;

  beforeEach(() => {
    traced = traceIntoMemory();
  });
  afterEach(() => traced.stop());

  it("a trace goes on below what another process wrote down, and begins anew where nothing was", async () => {
    const written = await inSpan("first", { redact }, () => Promise.resolve(currentTrace() ?? ""));
    expect(written).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    await inSpan("second", { parent: written, redact }, () => Promise.resolve());
    await inSpan("around", { redact }, () => inSpan("third", { parent: null, redact }, () => Promise.resolve()));
    for (const wrong of ["", "00-1-2-3", "00-00000000000000000000000000000000-0000000000000000-01"])
      await inSpan(`below ${wrong}`, { parent: wrong, redact }, () => Promise.resolve());
    expect(named("second").map((span) => wayTo(span, traced.spans()))).toEqual([["first", "second"]]);
    expect(idOf("third")).not.toBe(idOf("around"));
    expect(
      traced
        .spans()
        .filter(({ name }) => name.startsWith("below "))
        .every((span) => !span.parentSpanContext),
    ).toBe(true);
  });

  it("an error ends its spans without the secret it quotes", async () => {
    const broken = () => Promise.reject(new Error("no role for hunter2"));
    const command = inSpan("command", { redact }, () => call(plain, "rds.X", broken, { target: "rds us-east-1" }));
    await expect(command).rejects.toThrow("no role for [redacted]");
    expect(named("rds.X")[0]?.attributes).toEqual({ "muster.target": "rds us-east-1" });
    for (const name of ["rds.X", "command"])
      expect(named(name)[0]?.status).toEqual({ code: SpanStatusCode.ERROR, message: "no role for [redacted]" });
  });

  it("calls that nobody's work asks for, and those to Muster's own database, are no spans", async () => {
    await call(plain, "rds.X", () => Promise.resolve());
    await inSpan("command", { redact }, () => call(plain, "db.x", () => Promise.resolve()));
    expect(traced.spans().map(({ name }) => name)).toEqual(["command"]);
  });

  it("a run has one trace through all its leases, whoever holds them", async () => {
    const lab = await openEngineLab();
    const world = new World(lab.clock);
    const worker = (name: string) => engineContext({ ...lab, worker: name, steps: world.steps(), ...patient });
    const runId = await propose(lab.db, planOf(world.chain()));
    const asked = await inSpan("command", { redact }, () => Promise.resolve(currentTrace() ?? null));
    await lab.db.updateTable("run").set({ trace: asked }).where("id", "=", runId).execute();
    for (const name of ["one", "two"]) {
      const driver = openDriver(worker(name));
      await driver.drive(runId);
      await driver.stop();
      if (name === "one") await approve(worker("people"), runId);
    }
    const leases = named("drive run");
    expect(leases.map(({ attributes }) => attributes["muster.worker"])).toEqual(["one", "two"]);
    for (const lease of leases) expect(wayTo(lease, traced.spans())).toEqual(["command", "drive run"]);
    expect(named("world.Set").map((span) => wayTo(span, traced.spans()))[0]).toEqual([
      "command",
      "drive run",
      "step set",
      "world.Set",
    ]);
    await lab.close();
  });

  it("a command in Slack leads to its run, the run to its steps, and those to their calls, over a deploy", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    const runId = await lab.starts();
    await lab.untilTold("Starting to make checkout-db-west");
    const [first] = lab.musters;
    await lab.startMuster();
    await first?.stop();
    expect(await lab.untilRests()).toBe("done");
    // The last lease's span ends with it.
    for (const muster of Array.from(lab.musters)) await muster.stop();
    const spans = traced.spans();
    const way = ["receive command", "answer command", "command failover"];
    const leases = spans.filter(({ attributes, name }) => name === "drive run" && attributes["muster.run"] === runId);
    expect(new Set(leases.map(({ attributes }) => attributes["muster.worker"])).size).toBe(2);
    for (const lease of leases) expect(wayTo(lease, spans)).toEqual([...way, "drive run"]);
    const ofRun = spans.filter((span) => span.spanContext().traceId === leases[0]?.spanContext().traceId);
    const ways = ofRun.map((span) => wayTo(span, spans).join(" > "));
    const run = [...way, "drive run"].join(" > ");
    for (const deed of [
      "step promote-replica > rds.PromoteReadReplica",
      "step scale-deployment > kubernetes.PatchScale",
      "step shift-dns > route53.ChangeResourceRecordSets",
      "step fence-writes > postgres.FenceRole",
    ])
      expect(ways).toContain(`${run} > ${deed}`);
    expect(ways).toContain(`${way.join(" > ")} > rds.DescribeDBInstances`);
    expect(spans.filter(({ name }) => name.startsWith("db."))).toEqual([]);
    const [row] = await lab.query<{ trace: string }>("select trace from muster.run where id = $1", [runId]);
    expect(row?.trace).toContain(leases[0]?.spanContext().traceId);
    // A press is somebody else's work, and a trace of its own.
    expect(new Set(named("answer press").map((span) => span.spanContext().traceId)).size).toBe(2);
  });
});
