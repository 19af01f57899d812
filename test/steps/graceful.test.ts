import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isUnknown, type Json, type Reads } from "../../src/engine/step.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { east, record, west } from "../../src/lab/estate.ts";
import { acceptLoss } from "../../src/steps/accept-loss.ts";
import { acceptSplitBrain } from "../../src/steps/accept-split-brain.ts";
import { catchUp } from "../../src/steps/catch-up.ts";
import { drainOldSide } from "../../src/steps/drain-old-side.ts";
import { fenceWrites } from "../../src/steps/fence-writes.ts";
import { openWrites } from "../../src/steps/open-writes.ts";
import { pointConfig } from "../../src/steps/point-config.ts";
import { promoteReplica } from "../../src/steps/promote-replica.ts";
import { restartPods } from "../../src/steps/restart-pods.ts";
import { scaleDeployment } from "../../src/steps/scale-deployment.ts";
import { shiftDns } from "../../src/steps/shift-dns.ts";
import { verifyDatabase } from "../../src/steps/verify-database.ts";
import { verifyPublic } from "../../src/steps/verify-public.ts";
import { verifyService } from "../../src/steps/verify-service.ts";
import { watchStability } from "../../src/steps/watch-stability.ts";
import { drive, openBench, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

describe("the steps of a graceful failover, one after the other", () => {
  let bench: Bench;
  const reads: Reads = {};
  const keep = <T>(name: string, { result }: { result: T }): T => {
    reads[name] = result as Json;
    return result;
  };
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("the new region is pointed at its own database, and its pods are noted", async () => {
    const driven = await drive(bench, pointConfig, inputs.pointConfig);
    keep("point-config", driven);
    expect(driven.waited).toEqual([
      "DB_HOST of shop/app-config in the cluster west is checkout-db.us-east-1.rds.lab, not checkout-db-west.us-west-2.rds.lab",
    ]);
    expect(bench.clusters[west]?.config("shop", "app-config")).toEqual({ DB_HOST: inputs.pointConfig.host });
    expect(driven.result).toMatchObject({ changed: true, pods: [expect.any(String)] });
  });

  it("its pods run, ready or not", async () => {
    const { waited } = await drive(bench, scaleDeployment, inputs.scaleDeployment);
    expect(waited[0]).toBe("shop/checkout in the cluster west wants 1 pod, not 3");
    expect(bench.clusters[west]?.pods("shop", "checkout")).toHaveLength(3);
  });

  it("the old application ends", async () => {
    // Their grace is three seconds on the wall, not 0.3: on a busy machine a program takes more than that to end.
    await bench.time.set(bench.time.clock.now(), 10);
    await drive(bench, drainOldSide, inputs.drainOldSide);
    await bench.time.set(bench.time.clock.now(), 100);
    expect(bench.clusters[east]?.pods("shop", "checkout")).toEqual([]);
  });

  it("the old writer refuses the application", async () => {
    const result = keep("fence-writes", await drive(bench, fenceWrites, inputs.fenceWrites));
    expect(result).toMatchObject({
      canLogIn: false,
      provenBy: 'the role "app" may not log in',
      counts: { "public.users": { rows: 5, exact: true, maxId: "5" } },
    });
    expect(acceptSplitBrain.question(inputs.acceptSplitBrain, reads)).toBeUndefined();
  });

  it("the replica has everything, and nothing is lost", async () => {
    const result = keep("catch-up", await drive(bench, catchUp, inputs.catchUp, reads));
    expect(result).toMatchObject({ inRecovery: true, lossSeconds: 0 });
    expect(acceptLoss.question(inputs.acceptLoss, reads)).toBeUndefined();
  });

  it("the replica becomes the writer, by one call", async () => {
    // It stays in each state until it was seen in it, on however busy a machine.
    bench.rds.stuckIn("modifying");
    const patient: typeof promoteReplica = {
      ...promoteReplica,
      observe: async (...args) => {
        const seen = await promoteReplica.observe(...args);
        if (!isUnknown(seen) && seen.status === "modifying") {
          bench.rds.unstick();
          bench.rds.stuckIn("backing-up");
        }
        return seen;
      },
    };
    const { result, waited } = await drive(bench, patient, inputs.promoteReplica, reads);
    bench.rds.unstick();
    expect(result).toMatchObject({ status: "backing-up", sourceId: null, replication: null, inRecovery: false });
    expect(waited[0]).toBe("checkout-db-west is still a replica of checkout-db");
    expect(waited.join()).toMatch(/is "(modifying|rebooting|backing-up)"/);
    expect(bench.log.of("rds", "PromoteReadReplica").flatMap(({ effects }) => effects)).toHaveLength(1);
  });

  it("the application may log in there, and only there", async () => {
    await drive(bench, openWrites, inputs.openWrites);
    const canLogIn = "select rolcanlogin as yes from pg_roles where rolname = 'app'";
    expect(await ask(bench.pair.replica.server, canLogIn)).toEqual([{ yes: true }]);
    expect(await ask(bench.pair.primary.server, canLogIn)).toEqual([{ yes: false }]);
  });

  it("the old writer is not given back beside it, whatever the journal remembers", async () => {
    const { fenceWrites: input } = inputs;
    const seen = await fenceWrites.observe(bench.ctx, input, {});
    if (isUnknown(seen) || !("apply" in fenceWrites.undo)) throw new Error("the fence is seen, and can be taken back");
    const givenBack = fenceWrites.undo.apply(bench.ctx, input, {
      before: { ...seen, canLogIn: true },
      seen,
      reads: {},
    });
    await expect(givenBack).rejects.toThrow(
      /checkout-db-west takes writes: .* there would be two writers\. It stays fenced\./,
    );
    const canLogIn = "select rolcanlogin as yes from pg_roles where rolname = 'app'";
    expect(await ask(bench.pair.primary.server, canLogIn)).toEqual([{ yes: false }]);
  });

  it("the new writer is whole, on a new timeline, and alone", async () => {
    const { result } = await drive(bench, verifyDatabase, inputs.verifyDatabase, reads);
    expect(result).toMatchObject({ canary: true, appRefused: null, timeline: 2, oldSide: { state: "fenced" } });
    expect(await ask(bench.pair.replica.server, "select run from muster_guard.canary")).toEqual([{ run: "run-1" }]);
  });

  it("pods that knew the old database restart, and all are ready", async () => {
    const noted = reads["point-config"] as { pods: string[] };
    await drive(bench, restartPods, inputs.restartPods, reads);
    const pods = bench.clusters[west]?.pods("shop", "checkout") ?? [];
    expect(pods.filter(({ ready }) => ready)).toHaveLength(3);
    expect(pods.some(({ uid }) => noted.pods.includes(uid))).toBe(false);
  });

  it("the new region is healthy by its own address, with a certificate for the public name", async () => {
    const { result } = await drive(bench, verifyService, inputs.verifyService);
    expect(result).toMatchObject({ probes: Array(3).fill({ ok: true, status: 200, certificateCovers: true }) });
  });

  it("every name server answers the new region", async () => {
    const { waited, result } = await drive(bench, shiftDns, inputs.shiftDns);
    reads["shift-dns"] = result as Json;
    expect(waited[0]).toBe("us-west-2 gets no answers");
    expect(bench.dns.weights(record)).toEqual({ [east]: 0, [west]: 100 });
    expect(bench.log.of("route53", "ChangeResourceRecordSets").flatMap(({ effects }) => effects)).not.toEqual([]);
  });

  it("customers reach it, through whichever resolver", async () => {
    const { result } = await drive(bench, verifyPublic, inputs.verifyPublic, reads);
    expect(result).toMatchObject({ behind: [], probed: { ok: true } });
  });

  it("it stays green for the whole window", async () => {
    const { result } = await drive(bench, watchStability, inputs.watchStability);
    if (isUnknown(result)) throw new Error(result.unknown);
    expect(new Date(result.until).getTime() - new Date(result.greenSince ?? "").getTime()).toBeGreaterThanOrEqual(
      60_000,
    );
  });
});
