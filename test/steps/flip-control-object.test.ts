import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isUnknown } from "../../src/engine/step.ts";
import { control, east, west } from "../../src/lab/estate.ts";
import { flipControlObject, type FlipControlObjectSeen } from "../../src/steps/flip-control-object.ts";
import { awsCalls, shippedPolicy } from "../install/lab-calls.ts";
import { isAllowed } from "../plumbing/iam.ts";
import { drive, openBench, takeBack, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

const name = `s3://${control.bucket}/${control.key}`;

describe("the object that sends customers to the new region", () => {
  let bench: Bench;
  const there = () => ({
    ...inputs.flipControlObject,
    expected: { ...inputs.flipControlObject.expected, values: [bench.edges[west]?.address ?? ""] },
  });
  const gone = () => ({
    ...there(),
    toRegion: east,
    wanted: "gone" as const,
    expected: { ...inputs.flipControlObject.expected, values: [bench.edges[east]?.address ?? ""] },
  });
  const answering = () => bench.dns.weights("checkout.example.com");

  beforeAll(async () => {
    bench = await openBench({ traffic: "route53-switch" });
  });
  afterAll(() => bench.close());

  it("is put once; then the health checkers see it, and every name server answers the new region", async () => {
    bench.route53.knobs.down = "refuses";
    // Seconds on the wall until the checkers see it, not tenths: a look on a busy machine is not over before one has begun.
    await bench.time.set(bench.time.clock.now(), 10);
    const { waited, result } = await drive(bench, flipControlObject, there());
    await bench.time.set(bench.time.clock.now(), 100);
    expect(waited[0]).toBe(`${name} is not there`);
    expect(waited.slice(1).join()).toMatch(/the name server ns-1\.example-dns\.lab answers 127\.\d+\.\d+\.11/);
    expect((result as FlipControlObjectSeen).object?.text).toBe(
      "Muster's run run-1 sends customers to us-west-2. While this object is here, they go there.\n",
    );
    expect(answering()).toEqual({ [east]: 0, [west]: 100 });
    expect(bench.log.of("s3", "PutObject")).toHaveLength(1);
  });

  it("is deleted on the way back; then the old answer is everywhere", async () => {
    const { waited } = await drive(bench, flipControlObject, gone());
    expect(waited[0]).toBe(`${name} is still there`);
    expect(answering()).toEqual({ [east]: 100, [west]: 0 });
    expect(bench.log.all.filter(({ server }) => server === "route53")).toEqual([]);
  });

  it("comes back with what it said when a deletion is undone", async () => {
    await drive(bench, flipControlObject, there());
    const { before } = await drive(bench, flipControlObject, gone());
    if (!before) throw new Error("nothing was changed");
    const seen = await takeBack(bench, flipControlObject, gone(), before);
    expect(seen.object).toEqual(before.object);
    expect(answering()).toEqual({ [east]: 0, [west]: 100 });
  });

  it("that a dead region would show again is told, and not taken for gone", async () => {
    bench.s3.setRegion(west, "refuses");
    expect(await flipControlObject.observe(bench.ctx, there(), {})).toEqual({
      unknown: "S3 in us-west-2, where the control object is, breaks connections",
    });
    expect(await flipControlObject.observe(bench.ctx, gone(), {})).toEqual({
      unknown:
        "S3 in us-west-2, where the control object is, breaks connections; Route 53 answers us-east-1 by itself for so long, and us-west-2 again when it comes back with the object",
    });
    bench.s3.setRegion(west, false);
  });

  it("is left alone where nobody can tell what the right answers are, once it is as wanted", async () => {
    const seen = await flipControlObject.observe(
      bench.ctx,
      { ...there(), expected: { values: [], nameServers: [] } },
      {},
    );
    if (isUnknown(seen)) throw new Error(seen.unknown);
    expect(seen.answers).toEqual({});
    expect(flipControlObject.missing(seen, there(), {})).toBeUndefined();
  });

  it("is looked at, put and deleted by what deploy/iam/switch.json gives on it", () => {
    const asked = awsCalls(bench.log.all).filter(({ action }) => action.startsWith("s3:"));
    expect(asked.filter((call) => !isAllowed([shippedPolicy("switch")], call))).toEqual([]);
    expect(new Set(asked.map(({ action, resource }) => `${action} ${resource}`))).toEqual(
      new Set([
        `s3:ListBucket arn:aws:s3:::${control.bucket}`,
        ...["GetObject", "PutObject", "DeleteObject"].map(
          (action) => `s3:${action} arn:aws:s3:::${control.bucket}/${control.key}`,
        ),
      ]),
    );
  });
});
