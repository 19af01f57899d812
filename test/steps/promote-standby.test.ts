import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import { getStandbyState, isNotInRecovery } from "../../src/adapters/postgres-standby.ts";
import { isUnknown, type Reads } from "../../src/engine/step.ts";
import { CannotContinue } from "../../src/errors.ts";
import { hostOf, west } from "../../src/lab/estate.ts";
import { promotionsOf } from "../../src/lab/postgres-log.ts";
import { ask, pauseReplay, streams } from "../../src/lab/postgres-pair.ts";
import { checkout } from "../../src/lab/services.ts";
import { asMuster } from "../../src/steps/database.ts";
import { promoteStandby } from "../../src/steps/promote-standby.ts";
import { drive, openBench, type Bench } from "./bench.ts";
import { to } from "./inputs.ts";

const host = hostOf(west);
const input = { service: "checkout", replica: { ...to, instance: host, host } };
/** What catch-up saw: the timeline of a standby. */
const reads: Reads = { "catch-up": { inRecovery: true, timeline: 1 } };

describe("a standby that only its own server can promote", () => {
  let bench: Bench;
  const state = () => asMuster(bench.ctx, input.replica, "LookAtStandby", getStandbyState);
  const grant = async (sentence: string) => {
    await ask(bench.pair.primary.server, sentence);
    const wanted = sentence.startsWith("grant");
    while ((await state()).mayPromote !== wanted) await pause(20);
  };
  const apply = async () => {
    const seen = await promoteStandby.observe(bench.ctx, input, reads);
    if (isUnknown(seen) || !promoteStandby.apply) throw new Error("it cannot be seen");
    return promoteStandby.apply(bench.ctx, input, { before: seen, seen, reads }).catch((error: unknown) => error);
  };

  beforeAll(async () => {
    bench = await openBench({ services: [{ ...checkout, driver: "postgres" }] });
  });
  afterAll(() => bench.close());

  it("says what its promotion hangs on", async () => {
    const [{ id } = { id: "" }] = await ask<{ id: string }>(
      bench.pair.primary.server,
      "select system_identifier::text as id from pg_control_system()",
    );
    await grant("grant execute on function pg_promote(boolean, integer) to muster");
    expect(await state()).toEqual({
      role: "muster",
      systemId: id,
      mayPromote: true,
      replayPaused: false,
      waitsFor: "",
    });
    await pauseReplay(bench.pair.replica.server, true);
    expect(await state()).toMatchObject({ replayPaused: true });
    await pauseReplay(bench.pair.replica.server, false);
    expect(bench.log.of("rds", "DescribeDBInstances")).toEqual([]);
  });

  it("is not promoted by a role that may not, and the refusal says what to grant where", async () => {
    await grant("revoke execute on function pg_promote(boolean, integer) from muster");
    const error = (await apply()) as CannotContinue;
    expect(error).toBeInstanceOf(CannotContinue);
    expect(error.explanation.happened).toBe(`${host} did not let Muster call pg_promote().`);
    expect(error.explanation.todo).toContain("grant execute on function pg_promote(boolean, integer) to muster");
    expect(promoteStandby.hadNoEffect?.(error)).toBe(true);
    expect(await promotionsOf(bench.pair.replica.server)).toEqual([]);
    await grant("grant execute on function pg_promote(boolean, integer) to muster");
  });

  it("that nobody reaches is unknown, and not promoted", async () => {
    await bench.pair.setRegion(west, "refuses");
    expect(await promoteStandby.observe(bench.ctx, input, reads)).toEqual({ unknown: `${host} refuses connections` });
    await bench.pair.setRegion(west, "open");
  });

  it("that hears a writer again, which could not be fenced, is not promoted", async () => {
    while (!(await streams(bench.pair.replica.server))) await pause(50);
    const silent = { ...reads, "fence-writes": { unknown: "it does not answer" } };
    const error: unknown = await promoteStandby.observe(bench.ctx, input, silent).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CannotContinue);
    expect((error as CannotContinue).explanation.happened).toContain(`${host} receives from it again.`);
  });

  it("leaves recovery once, on a new timeline; told again, it refuses, and that is known to have changed nothing", async () => {
    const { before, result, waited } = await drive(bench, promoteStandby, input, reads);
    expect(before).toEqual({ inRecovery: true, timeline: 1, promotedAt: null });
    expect(waited).toEqual([`${host} is still in recovery`]);
    expect(result).toMatchObject({ inRecovery: false, timeline: 2 });
    expect((result as { promotedAt: string }).promotedAt).toMatch(/^\d{4}-\d\d-\d\dT/);
    const error = await apply();
    expect([isNotInRecovery(error), promoteStandby.hadNoEffect?.(error)]).toEqual([true, true]);
    expect(await promotionsOf(bench.pair.replica.server)).toHaveLength(1);
  });
});

describe("what is missing of a promotion", () => {
  const seen = (inRecovery: boolean, timeline: number) => ({ inRecovery, timeline, promotedAt: null });
  it.each([
    ["a standby", seen(true, 1), reads, `${host} is still in recovery`, undefined],
    ["a writer on a new timeline", seen(false, 2), reads, undefined, undefined],
    [
      "one that somebody promoted before",
      seen(false, 2),
      { "catch-up": { inRecovery: false, timeline: 2 } },
      undefined,
      undefined,
    ],
    [
      "one whose timeline nobody saw",
      seen(false, 1),
      { "catch-up": { unknown: "it does not tell" } },
      undefined,
      undefined,
    ],
    [
      "a writer that was started and not promoted",
      seen(false, 1),
      reads,
      `${host} takes writes and is still on timeline 1, as before its promotion`,
      `${host} takes writes and is still on timeline 1, as before its promotion`,
    ],
  ])("%s", (_what, now, told, missing, notYet) => {
    expect(promoteStandby.missing(now, input, told)).toBe(missing);
    expect(promoteStandby.notYet?.(now, input, told)).toBe(notYet);
  });
});
