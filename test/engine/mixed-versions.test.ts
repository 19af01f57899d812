import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { press } from "../../commands/runs.ts";
import { readConfig } from "../../src/config.ts";
import { openDriver } from "../../src/engine/drive.ts";
import { eventKinds } from "../../src/engine/events.ts";
import { engineVersion } from "../../src/engine/lease.ts";
import { openSweep } from "../../src/engine/sweep.ts";
import { parseEstate } from "../../src/estate-file.ts";
import { labEstate } from "../../src/lab/estate.ts";
import { composeContext } from "../../src/main.ts";
import { takeCard } from "../../src/outbox/rows.ts";
import { steps } from "../../src/steps/index.ts";
import { takeTurn } from "../../src/watch/turn.ts";
import { mustRaise, type Language } from "../golden/languages.ts";
import { engineContext, openEngineLab, planOf, propose, quiet, story, until, type EngineLab } from "./engine-lab.ts";
import { chain, makeSharedWorld, sharedSteps } from "./shared-world.ts";

const newer = engineVersion + 1;
let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
  await makeSharedWorld(lab.db);
});
afterAll(() => lab.close());

/** A server that looks for due runs, and what it says in its log. */
function openServer(worker: string, version = engineVersion) {
  const said: string[] = [];
  const keep = (fields: object, message: string) => void said.push(`${message} ${JSON.stringify(fields)}`);
  const log = { ...quiet, warn: keep, error: keep };
  const { db, clock } = lab;
  const ctx = engineContext({ db, clock, worker, steps: sharedSteps, engineVersion: version, log });
  const driver = openDriver(ctx);
  const sweep = openSweep(ctx, driver);
  const stop = async () => {
    await sweep.stop();
    await driver.stop();
  };
  /** What it says of one run. */
  const saidOf = (runId: string) => said.filter((line) => line.includes(runId));
  return { driver, saidOf, stop };
}

const short = () => propose(lab.db, planOf(chain(crypto.randomUUID(), 2), { needed: 0, locks: [] }));
const rowOf = (runId: string) =>
  lab.db
    .selectFrom("run")
    .select(["owner", "epoch", "state", "engine_version as version"])
    .where("id", "=", runId)
    .executeTakeFirstOrThrow();

async function goesOn({ stop }: { stop: () => Promise<void> }, runId: string): Promise<void> {
  try {
    await until("the run has ended", async () => (await story(lab.db, runId)).includes("ended"));
  } finally {
    await stop();
  }
}

describe("servers of two releases on one database", () => {
  it("the older leaves a run alone that the newer had once, says so, and the newer goes on with it", async () => {
    const runId = await short();
    await lab.db.updateTable("run").set({ engine_version: newer }).where("id", "=", runId).execute();
    const older = openServer("older");
    try {
      await older.driver.answer(runId);
      await until("it says so", () => Promise.resolve(older.saidOf(runId).length > 0));
      expect(older.saidOf(runId)).toEqual([`a run is left to a newer Muster {"run":"${runId}"}`]);
      expect(await rowOf(runId)).toEqual({ owner: null, epoch: 0, state: "proposed", version: newer });
      const next = openServer("newer", newer);
      await goesOn(next, runId);
      expect(await rowOf(runId)).toMatchObject({ state: "done", version: newer });
    } finally {
      await older.stop();
    }
  });

  it("a run of the older is the newer's from its first lease on, and its card with it", async () => {
    const runId = await short();
    expect(await rowOf(runId)).toMatchObject({ version: engineVersion });
    const next = openServer("newer", newer);
    await goesOn(next, runId);
    expect(await rowOf(runId)).toMatchObject({ version: newer });
    await sql`delete from muster.card where run <> ${runId}`.execute(lab.db);
    expect(await takeCard(lab.db, engineVersion)).toBeUndefined();
    expect(await takeCard(lab.db, newer)).toMatchObject({ run: runId });
  });

  it("what people say to the older is noted for the newer, and judged by nobody else", async () => {
    const { db, clock } = lab;
    const ctx = engineContext({ db, clock, worker: "older" });
    const runId = await short();
    const hold = { verb: "hold", runId, person: "ben", call: { id: "press-1", place: { kind: "terminal" } } } as const;
    await lab.db
      .updateTable("run")
      .set({ engine_version: newer, next_wake_at: null })
      .where("id", "=", runId)
      .execute();
    const { lines } = await press(ctx, hold);
    expect(lines).toEqual([
      expect.stringMatching(/^Noted: ben says "hold" to run /),
      expect.stringMatching(/^A newer Muster has this run, and goes on with it; /),
    ]);
    const said = await lab.db.selectFrom("signal").select(["verb", "by"]).where("run", "=", runId).execute();
    expect(said).toEqual([{ verb: "hold", by: "ben" }]);
  });

  it("a journal with a kind of event that is not known here is not made anything of: nothing is written, nothing parks", async () => {
    const runId = await short();
    const strange = { run: runId, kind: "foreseen", epoch: 0, payload: "{}" };
    await lab.db.insertInto("step_event").values(strange).execute();
    const older = openServer("older");
    try {
      await until("it was left", async () => older.saidOf(runId).length > 0 && (await rowOf(runId)).owner === null);
      expect(older.saidOf(runId)).toEqual([
        `a run is left to a newer Muster {"run":"${runId}","error":"run ${runId} is left to a newer Muster: its journal holds foreseen"}`,
      ]);
      // Rung, too, it leaves it: whoever reads it finds it due, and free.
      const { epoch } = await rowOf(runId);
      await older.driver.answer(runId);
      expect(await rowOf(runId)).toEqual({ owner: null, epoch, state: "proposed", version: engineVersion });
      expect(await story(lab.db, runId)).toEqual(["proposed", "foreseen"]);
      // As one would who knows the kind.
      await sql`delete from muster.step_event where run = ${runId} and kind = 'foreseen'`.execute(lab.db);
      const next = openServer("newer");
      await goesOn(next, runId);
    } finally {
      await older.stop();
    }
  });
});

describe("servers on one host's network, in containers in which each is process 1", () => {
  it("are told apart: none takes the other's turn for its own", async () => {
    const config = readConfig({ DATABASE_URL: lab.url });
    const estate = parseEstate(labEstate({ replicas: 1, stabilitySeconds: 60 }), "estate.yaml");
    const [one, other] = [composeContext(config, estate), composeContext(config, estate)];
    try {
      expect(one.ctx.worker).toMatch(new RegExp(`^${hostname()}:${process.pid}:[0-9a-f]{6}$`));
      const duty = { name: "prober", everySeconds: 10 };
      expect(await takeTurn(one.ctx, duty)).toBe(true);
      expect(await takeTurn(other.ctx, duty)).toBe(false);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });
});

describe("the engine version", () => {
  const now: Language = { engineVersion, kinds: [...eventKinds], steps: steps.map(({ name }) => name) };
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  const released = JSON.parse(readFileSync(new URL("../golden/languages.json", import.meta.url), "utf8")) as Record<
    string,
    Language
  >;

  it("was raised where runs hold what a release would not know", () => {
    const others = Object.entries(released).filter(([release]) => release !== version);
    expect(others.flatMap(([release, then]) => mustRaise(release, then, now))).toEqual([]);
  });

  it("and what runs hold is kept for every release (else: node test/golden/write-languages.ts)", () => {
    const headings = [...readFileSync("CHANGELOG.md", "utf8").matchAll(/^## (\d+\.\d+\.\d+), (.+)$/gm)];
    const ended = headings.flatMap(([, release = "", when]) => (when === "unreleased" ? [] : [release]));
    expect(ended.filter((release) => !(release in released))).toEqual([]);
    if (ended.includes(version)) expect(released[version]).toEqual(now);
  });

  it.each<[string, Partial<Language>, string[]]>([
    ["nothing new", {}, []],
    ["a kind that is gone", { kinds: ["done"] }, []],
    ["a new step", { steps: ["shift-dns", "send-pigeon"] }, ["0.1.0 does not know send-pigeon: raise engineVersion"]],
    ["a new kind", { kinds: ["done", "parked", "foreseen"] }, ["0.1.0 does not know foreseen: raise engineVersion"]],
    ["a new kind, and raised", { kinds: ["foreseen"], engineVersion: 2 }, []],
  ])("is asked for %s", (_what, changes, faults) => {
    const then: Language = { engineVersion: 1, kinds: ["done", "parked"], steps: ["shift-dns"] };
    expect(mustRaise("0.1.0", then, { ...then, ...changes })).toEqual(faults);
  });
});
