import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import type { Context } from "../../src/context.ts";
import { seen } from "../../src/facts/fact.ts";
import { lookAtLastBeat, rememberBeat } from "../../src/facts/heartbeats.ts";
import { findLastWrite } from "../../src/steps/loss.ts";
import { engineContext, openEngineLab, type EngineLab } from "../engine/engine-lab.ts";

describe("heartbeats that writers are known to have taken", () => {
  let lab: EngineLab;
  let ctx: Context;

  beforeAll(async () => {
    lab = await openEngineLab();
    ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "one" });
  });
  afterAll(() => lab.close());

  it("are kept apart for two of one name in two regions, and those of the release before are read", async () => {
    const [dead, alive] = [
      { region: "us-east-1", instance: "app-db" },
      { region: "eu-west-1", instance: "app-db" },
    ];
    const at = (minutes: number) => new Date(ctx.now().getTime() + minutes * 60_000);
    const [died, now] = [at(-20), at(0)];
    const knownOf = async (place: typeof dead) => [
      seen(await lookAtLastBeat(ctx, place))?.at,
      await findLastWrite(ctx, "a service of no probes", place),
    ];
    expect(await knownOf(dead)).toEqual([undefined, undefined]);
    // The release before named no region.
    await lab.db
      .insertInto("heartbeat")
      .values({ instance: "app-db", beat_at: at(-30) })
      .execute();
    const older = at(-30).toISOString().slice(0, 16);
    expect((await knownOf(dead)).map((moment) => moment?.slice(0, 16))).toEqual([older, older]);
    await rememberBeat(ctx, dead, died);
    await rememberBeat(ctx, alive, now);
    expect(await knownOf(dead)).toEqual([died.toISOString(), died.toISOString()]);
    expect(await knownOf(alive)).toEqual([now.toISOString(), now.toISOString()]);
    // While servers are replaced one of the release before may have the watch again: the newest beat counts.
    await sql`update muster.heartbeat set beat_at = ${at(-10)} where instance = 'app-db'`.execute(lab.db);
    expect((await knownOf(dead))[0]?.slice(0, 16)).toBe(at(-10).toISOString().slice(0, 16));
  });
});
