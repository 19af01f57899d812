import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { deleteOldProbes } from "../../src/watch/old-probes.ts";
import { deleteOldRows } from "../../src/watch/old-rows.ts";
import { eventually, openOffice, proposeRun, type Office } from "../slack/office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

/** Lets a run have ended so many days ago. */
const ended = (id: string, days: number) =>
  sql`update muster.run set state = 'done', outcome = 'done', ended_at = muster.now() - make_interval(days => ${days})
       where id = ${id}`.execute(office.ctx.db);

const keys = async () => {
  const { rows } = await sql<{ key: string }>`
    select delivery_key as key from muster.inbox order by seq`.execute(office.ctx.db);
  return rows.map(({ key }) => key);
};

const runsWithButtons = async () => {
  const { rows } = await sql<{ run: string }>`select distinct run from muster.button order by run`.execute(
    office.ctx.db,
  );
  return rows.map(({ run }) => run);
};

/** Every row of what an auditor asks for. */
const evidence = async () => {
  const tables = ["run", "step_event", "signal", "timeline", "outbox", "card"] as const;
  return Promise.all(tables.map((table) => office.ctx.db.selectFrom(table).selectAll().execute()));
};

describe("rows that nobody needs any more", () => {
  it("go 90 days after the answer, and after the end of their run; what is evidence, or waits, stays", async () => {
    const { db } = office.ctx;
    for (const id of ["long-over", "just-over", "under-way"]) await proposeRun(office, id);
    await eventually(async () => (await runsWithButtons()).length === 3 || undefined);
    await office.time.quiet();
    await office.stopOutbox();
    await ended("long-over", 91);
    await ended("just-over", 89);
    await sql`
      insert into muster.inbox (source, delivery_key, body, received_at, processed_at)
      select 'test', key, '{}', muster.now() - interval '91 days', muster.now() - make_interval(days => answered)
        from (values ('answered long ago', 91), ('answered', 89), ('waits', null)) as x(key, answered)`.execute(db);
    const before = await evidence();
    await deleteOldRows(office.ctx);
    expect([await keys(), await runsWithButtons()]).toEqual([
      ["answered", "waits"],
      ["just-over", "under-way"],
    ]);
    expect(await evidence()).toEqual(before);
  });

  it("of the prober go after two weeks, but for those that the report of an older run is made of", async () => {
    const { db } = office.ctx;
    // Of which service, and proposed and ended so many days ago; the second began after an outage of three days.
    for (const [id, service, proposed, ended] of [
      ["run-old", "checkout", 100, 99.9],
      ["run-late", "checkout", 50, 49],
      ["run-open", "open", 20, null],
      ["run-expired", "expired", 50, 49],
    ] as const) {
      await proposeRun(office, id);
      await sql`update muster.run set plan = jsonb_set(plan, '{locks}', jsonb_build_array(${service}::text)),
                       proposed_at = muster.now() - ${proposed}::float8 * interval '1 day',
                       ended_at = muster.now() - ${ended}::float8 * interval '1 day' where id = ${id}`.execute(db);
    }
    await sql`insert into muster.step_event (run, kind, epoch, payload)
              values ('run-old', 'started', 1, '{}'), ('run-late', 'started', 1, '{}')`.execute(db);
    const probes = [
      ...[110, 101.5, 100.5, 99.95, 99.88, 99.5, 60, 53.1, 53, 48.5, 15, 13].map((days) => ["public", days, true]),
      ...[52, 50.1, 49.5].map((days) => ["public", days, false]),
      ["run:run-old", 99.9, true],
    ];
    const services = ["checkout", "open", "expired", "other"];
    await sql`insert into muster.probe (service, via, ok, took_ms, at)
              select service, probe ->> 0, (probe -> 2)::bool, 1, muster.now() - (probe ->> 1)::float8 * interval '1 day'
                from jsonb_array_elements(${JSON.stringify(probes)}::jsonb) probe, unnest(${services}::text[]) service
            `.execute(db);
    // The estate names checkout only: the others were removed from it, or have another name now.
    expect(await deleteOldProbes(office.ctx, 20)).toBe(20);
    expect(await deleteOldProbes(office.ctx)).toBe(27);
    expect(await deleteOldProbes(office.ctx)).toBe(0);
    const left = async (service: string) => {
      const { rows } = await sql<{ days: number }>`
        select round(extract(epoch from muster.now() - at)::numeric / 86400, 2)::float8 as days
          from muster.probe where service = ${service} and via = 'public' order by at`.execute(db);
      return rows.map(({ days }) => days);
    };
    expect(await left("checkout")).toEqual([100.5, 99.95, 99.88, 53, 52, 50.1, 49.5, 13]);
    expect(await left("open")).toEqual([48.5, 15, 13]);
    expect(await left("expired")).toEqual([13]);
    expect(await left("other")).toEqual([13]);
  });

  it("and a button that meant one of them says so, and does nothing", async () => {
    await office.listen();
    await proposeRun(office);
    await eventually(() => office.slack.messages("C01")[0]);
    await ended("r1", 91);
    await deleteOldRows(office.ctx);
    await office.slack.presses("U02", "Approve");
    const told = await eventually(() => office.slack.ephemerals("U02")[0]);
    expect(told.text).toContain("or is of a run that ended long ago.\nNothing was changed.");
    expect(office.presses).toEqual([]);
  });
});
