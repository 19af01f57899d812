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

  it.each<[string, Error, string]>([
    [
      "is silent",
      Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
      "pods of shop/checkout in the cluster east were not stopped: the cluster east refuses connections",
    ],
    [
      "does not let Muster look",
      new CannotContinue({ happened: "The cluster east refused.", means: "No.", todo: "Renew." }),
      "pods of shop/checkout in the cluster east were not stopped: The cluster east refused",
    ],
  ])(
    "is fenced where its pods' cluster %s, which is waited for a minute and then told",
    async (_what, thrown, said) => {
      const { ctx } = withoutClusters(thrown);
      const look = async () => {
        const seen = await fenceReturned.observe(ctx, input, {});
        if (isUnknown(seen)) throw new Error(seen.unknown);
        return seen;
      };
      const before = await look();
      const at = (secondsAgo: number) => new Date(ctx.now().getTime() - secondsAgo * 1000);
      const intent = { run: ctx.runId, step: "checkout/fence-returned", kind: "intent", epoch: 1, payload: "{}" };
      // Ahead of the clock, which runs on: a machine that is busy for a moment does not age it.
      await bench.db
        .insertInto("step_event")
        .values({ ...intent, at: at(-3600) })
        .execute();
      await expect(fenceReturned.apply?.(ctx, input, { before, seen: before, reads: {} })).rejects.toThrow(said);
      const fenced = await look();
      expect(fenced).toMatchObject({ canLogIn: false, sessions: 0, provenBy: `the role "${app.user}" may not log in` });
      expect(fenceReturned.missing(fenced, input, {})).toBe(said);
      await bench.db
        .updateTable("step_event")
        .set({ at: at(61) })
        .execute();
      const late = await look();
      expect(fenceReturned.missing(late, input, {})).toBeUndefined();
      expect(fenceReturned.found?.(late, input)).toContain(
        ` P${said.slice(1)}. They cannot write at checkout-db; scale the deployment to 0 once that can be done.`,
      );
      // One that answers within that minute is stopped, as it always was.
      await fence(bench);
      expect(bench.clusters[east]?.replicas("shop", "checkout")).toBe(0);
    },
  );

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
