import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import type { Context } from "../../src/context.ts";
import type { SecretReference } from "../../src/estate.ts";
import { lookAtFailover, type FailoverFacts } from "../../src/facts/failover.ts";
import { seen } from "../../src/facts/fact.ts";
import { west } from "../../src/lab/estate.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { app } from "../../src/lab/shop.ts";
import { estate, withDatabase } from "../jobs/facts.ts";
import { openBench, type Bench } from "../steps/bench.ts";

const input = { toRegion: west, service: "checkout" };

describe("the application's log-in, before anybody approves", () => {
  let bench: Bench;
  let ctx: Context;
  const blockers = (facts: FailoverFacts) => failover.plan(estate, input, facts).blockers;

  beforeAll(async () => {
    bench = await openBench({ rate: 10 });
    ctx = { ...bench.ctx, estate };
  });
  afterAll(() => bench.close());

  it("is tried at both servers, while that costs nobody anything", async () => {
    const stale = { ...ctx, secret: () => `postgres://${app.user}:stale@unused/${app.database}?sslmode=disable` };
    const facts = await lookAtFailover(stale, input);
    const [one, other] = blockers(facts);
    expect(one).toMatch(
      /^Muster could not log in as "app" at checkout-db: the password of the role "app" is not right\. .* would park with all writes stopped\. Correct the URL/,
    );
    expect(other).toMatch(/^Muster could not log in as "app" at checkout-db-west: /);
    const forced = failover.plan(estate, { ...input, force: "ungraceful" }, facts);
    expect(forced.blockers).toEqual([]);
    expect(forced.warnings).toContainEqual(
      expect.stringMatching(/^Muster could not log in as "app" at checkout-db-west: .* would park at its check\./),
    );
  });

  it("is tried at each side with the secret that the move will use there", async () => {
    const [url, stale] = [app.password, "stale"].map(
      (password) => `postgres://${app.user}:${password}@x/shop?sslmode=disable`,
    );
    const of = async (passwords: { east: string | undefined; west: string | undefined }) => {
      const regional = structuredClone(estate);
      for (const { writer, replica } of regional.services["checkout"]?.databases ?? []) {
        Object.assign(writer, { appRole: { env: "EAST" } });
        Object.assign(replica, { appRole: { env: "WEST" } });
      }
      const secret = (reference: SecretReference) =>
        ("env" in reference && reference.env === "WEST" ? passwords.west : passwords.east) ?? "";
      return failover.plan(regional, input, await lookAtFailover({ ...ctx, estate: regional, secret }, input)).blockers;
    };
    expect(await of({ east: url, west: url })).toEqual([]);
    expect(await of({ east: url, west: stale })).toEqual([
      expect.stringMatching(/^Muster could not log in as "app" at checkout-db-west: the password .* is not right/),
    ]);
    expect(await of({ east: stale, west: url })).toEqual([
      expect.stringMatching(/^Muster could not log in as "app" at checkout-db: the password .* is not right/),
    ]);
  });

  it("is not called wrong where the application's own pools have taken every connection", async () => {
    const limit = async (connections: number) => {
      await ask(bench.pair.primary.server, `alter role ${app.user} connection limit ${connections}`);
      const there = () =>
        ask(
          bench.pair.replica.server,
          `select 1 from pg_roles where rolname = 'app' and rolconnlimit = ${connections}`,
        );
      while ((await there()).length === 0) await bench.ctx.clock.sleep(1);
    };
    await limit(0);
    const facts = withDatabase(await lookAtFailover(ctx, input));
    await limit(-1);
    expect(seen(facts.from.server)?.applicationShut).toBeUndefined();
    expect(seen(facts.to.server)?.applicationShut).toBeUndefined();
    expect(blockers(facts)).toEqual([]);
    const forced = failover.plan(estate, { ...input, force: "ungraceful" }, facts);
    expect(forced.warnings.filter((warning) => warning.includes("could not log in"))).toEqual([]);
  });
});
