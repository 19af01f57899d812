import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { getRole } from "../../src/adapters/postgres-fence.ts";
import { isUnknown } from "../../src/engine/step.ts";
import { CannotContinue } from "../../src/errors.ts";
import { east } from "../../src/lab/estate.ts";
import { app } from "../../src/lab/shop.ts";
import { asMuster } from "../../src/steps/database.ts";
import { fenceReturned, type FenceReturnedInput } from "../../src/steps/fence-returned.ts";
import { drive, openBench, type Bench } from "./bench.ts";
import { eastern, from, inputs } from "./inputs.ts";

const input: FenceReturnedInput = { ...inputs.fenceReturned, accepted: true };

describe("an old writer that answers again before all of its application does", () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench.close());

  /** Fences it, and tells what people hear of it. */
  async function fence(world: Bench, given = input): Promise<string | undefined> {
    const { result } = await drive(world, fenceReturned, given);
    if (isUnknown(result)) throw new Error(result.unknown);
    expect(result.provenBy).toBe(`the role "${app.user}" may not log in`);
    expect(await asMuster(bench.ctx, from, "LookAtFence", (sql) => getRole(sql, app.user))).toMatchObject({
      canLogIn: false,
      sessions: 0,
    });
    return fenceReturned.found?.(result, given);
  }

  /** The same world, whose clusters let nobody look. */
  const withoutClusters = (thrown: Error): Bench => ({
    ...bench,
    ctx: bench.as({
      clients: {
        ...bench.ctx.clients,
        cluster: () => {
          throw thrown;
        },
      },
    }),
  });

  it("is fenced where its pods' cluster is silent, and people hear that they were not stopped", async () => {
    const silent = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    expect(await fence(withoutClusters(silent))).toMatch(
      / Pods of shop\/checkout in the cluster east were not stopped: the cluster east refuses connections\. They cannot write at checkout-db; scale the deployment to 0 once that can be done\.$/,
    );
  });

  it("is fenced where the cluster does not let Muster look", async () => {
    const refused = new CannotContinue({ happened: "The cluster east refused.", means: "No.", todo: "Renew." });
    expect(await fence(withoutClusters(refused))).toMatch(/ were not stopped: The cluster east refused\. They cannot/);
  });

  it("is fenced where a deployment is gone, and the others are stopped", async () => {
    const given = { ...input, deployments: [{ ...eastern, name: "checkout-old" }, eastern] };
    const heard = await fence(bench, given);
    expect(heard).toMatch(/ There is no deployment shop\/checkout-old in the cluster east, so none was stopped\.$/);
    expect(heard).not.toMatch(/press Undo/);
    expect(bench.clusters[east]?.replicas("shop", "checkout")).toBe(0);
  });

  it("reads a result of the release before", () => {
    const seen = {
      noWriter: null,
      canLogIn: false,
      sessions: 0,
      deployments: [],
      provenBy: "no login",
      unproven: null,
      writesAfterPromotion: null,
    };
    expect(fenceReturned.missing(seen, input, {})).toBeUndefined();
    expect(fenceReturned.found?.(seen, input)).toMatch(/^Whether rows stand at checkout-db alone is not known/);
  });
});
