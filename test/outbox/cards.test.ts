import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { drawOne } from "../../src/outbox/cards.ts";
import { drainOne } from "../../src/outbox/drain.ts";
import { tellEnrolled } from "../../src/outbox/notices.ts";
import { tellRun } from "../../src/outbox/tell-run.ts";
import { parkTooOld } from "../../src/outbox/too-old.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { eventually, openOffice, proposeRun, say, type Office } from "../slack/office.ts";
import { smallPlan } from "../slack/small-plan.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
});
afterEach(() => office.close());

/** Journals something, as the engine does. */
async function happens(kind: string, payload: object = {}, step: string | null = null): Promise<void> {
  await sql`insert into muster.step_event (run, step, kind, epoch, payload)
            values ('r1', ${step}, ${kind}, 1, ${JSON.stringify(payload)})`.execute(office.ctx.db);
  await sql`update muster.card set wanted_version = wanted_version + 1`.execute(office.ctx.db);
  wakeOutbox();
}

const card = () => eventually(() => office.slack.messages("C01")[0]);
const updates = () => office.log.of("slack", "chat.update");

describe("a run's card", () => {
  it("and what was said of it goes out late while it is open or has news, and not where it was over a day ago", async () => {
    const { db } = office.ctx;
    await office.stopOutbox();
    for (const id of ["over", "open", "news"]) {
      await proposeRun(office, id);
      await say(office, [`A line of ${id}.`], id);
    }
    // Of no run, and no less true a day later.
    await tellEnrolled(office.ctx, "ana");
    await sql`update muster.outbox set put_at = muster.now() - interval '25 hours'`.execute(db);
    await sql`update muster.run set state = 'done', outcome = 'done', ended_at = muster.now() - interval '25 hours'
               where id in ('over', 'news')`.execute(db);
    await parkTooOld(office.ctx);
    // Only now: the card of that run was given up as well.
    await tellRun(db, "news", { key: "news", line: "The old writer came back." });
    office.startOutbox();
    const waiting = async () => {
      const { rows } = await sql`select from muster.outbox where state in ('waiting', 'sending')`.execute(db);
      return rows.length;
    };
    await office.time.until("all was told", async () => (await waiting()) === 0, 60);
    const { rows } = await sql<{ thread: string; states: string[] }>`
      select thread, array_agg(state order by seq) as states from muster.outbox
       where thread like 'run:%' group by thread order by thread`.execute(db);
    expect(rows).toEqual([
      { thread: "run:news", states: ["parked", "sent"] },
      { thread: "run:open", states: ["sent"] },
      { thread: "run:over", states: ["parked"] },
    ]);
    expect(office.slack.messages("C01")).toHaveLength(2);
    const { rows: mails } = await sql<{ run: string | null; state: string }>`
      select distinct payload ->> 'runId' as run, state from muster.outbox where thread like 'mail:%' order by run`.execute(
      db,
    );
    expect(mails.map(({ run, state }) => [run, state])).toEqual([
      ["news", "parked"],
      ["open", "sent"],
      ["over", "parked"],
      [null, "sent"],
    ]);
  });

  it("that was tried is shown however late, and so is one that lost its place or whose lines may have arrived", async () => {
    const { db } = office.ctx;
    await office.stopOutbox();
    const draw = () => drawOne(office.ctx, office.cards);
    // Slack refused the first post of this one's card, and the token is put right days later.
    await proposeRun(office, "refused");
    await say(office, ["A line of refused."], "refused");
    office.slack.knobs.tokenRefused = "token_revoked";
    expect(await draw()).toBe(true);
    office.slack.knobs.tokenRefused = false;
    // The thread of this one is gone when its line is posted.
    await proposeRun(office, "moved");
    expect(await draw()).toBe(true);
    office.slack.workspace.replace("C01", office.slack.messages("C01")[0]!.ts, undefined);
    await say(office, ["A line of moved."], "moved");
    expect(await drainOne(office.ctx, "run")).toBe(true);
    // Muster's database is an older copy, in which the card of this one was never posted.
    await proposeRun(office, "copy");
    await say(office, ["A line of copy."], "copy");
    await sql`update muster.outbox set state = 'sending' where thread = 'run:copy'`.execute(db);
    const { rows: cards } = await sql`select from muster.card where remote_ref is null and attempts = 0`.execute(db);
    expect(cards).toHaveLength(3);

    await sql`update muster.outbox set put_at = muster.now() - interval '25 hours'`.execute(db);
    await sql`update muster.run set state = 'done', outcome = 'done', ended_at = muster.now() - interval '25 hours'`.execute(
      db,
    );
    await parkTooOld(office.ctx);
    office.startOutbox();
    const told = async () => {
      const { rows } = await sql<{ state: string }>`
        select distinct state from muster.outbox where thread like 'run:%'`.execute(db);
      return rows.map(({ state }) => state).join();
    };
    await office.time.until("all was told", async () => (await told()) === "sent", 120);
    expect(office.slack.messages("C01")).toHaveLength(3);
  });

  it("is posted once, though Slack fails after taking it and then shuts Muster out for a while", async () => {
    office.slack.knobs.next("chat.postMessage", "fail-after");
    await proposeRun(office);
    await eventually(() => office.slack.messages("C01")[0]);
    office.slack.knobs.tokenRefused = "token_revoked";
    await office.time.pass(70);
    expect((await cardRow())?.remote_ref).toBeNull();
    office.slack.knobs.tokenRefused = false;
    await office.time.until("known", async () => (await cardRow())?.remote_ref !== null, 120);
    expect(office.slack.messages("C01")).toHaveLength(1);
  });

  it("is edited at most every 3 s, ends at the newest state, and goes elsewhere from a channel that is archived", async () => {
    await proposeRun(office);
    await card();
    for (let n = 0; n < 30; n += 1) {
      await happens("approved", { by: `p${n}`, signal: n + 1 });
      await office.time.pass(0.5);
    }
    await happens("started");
    await office.time.pass(10);
    const at = updates().map((request) => request.at.getTime());
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2900);
    expect((await card()).text).toContain("Under way: move checkout");
    office.slack.archive("C01");
    await happens("held", { by: "ana", signal: 31 });
    const moved = await eventually(() => office.slack.messages("C02")[0]);
    expect(moved.text).toContain("move checkout");
    expect(updates().at(-1)?.status).toBe("is_inactive");
  });

  it("shows steps as a plan block, and as lines where the workspace does not know it, asked once", async () => {
    await proposeRun(office);
    await happens("started");
    await office.time.pass(4);
    expect((await card()).blocks?.map((block) => block.type)).toContain("plan");
    office.slack.knobs.refusesPlanBlocks = true;
    for (let n = 0; n < 3; n += 1) {
      await happens("first-look", {}, "checkout/fence-writes");
      await office.time.pass(4);
    }
    expect(updates().filter((request) => request.status === "invalid_blocks")).toHaveLength(1);
    const now = await card();
    expect(now.blocks?.map((block) => block.type)).not.toContain("plan");
    expect(JSON.stringify(now.blocks)).toContain("🔄 stop writes to checkout-db");
  });

  it("of sixty steps with long words is cut, not refused", async () => {
    const node = smallPlan.nodes[0]!;
    const nodes = Array.from({ length: 60 }, (_, n) => ({
      ...node,
      id: `checkout/s${n}`,
      step: `s${n}`,
      title: `do ${"long ".repeat(80)}${n}`,
    }));
    await proposeRun(office, "r1", { ...smallPlan, nodes });
    await happens("started");
    await office.time.pass(4);
    const now = await card();
    expect(office.log.all.filter((request) => String(request.status).includes("block"))).toEqual([]);
    expect(JSON.stringify(now.blocks)).toContain("The rest did not fit here");
    expect(JSON.stringify(now.blocks)).toContain("Hold");
  });
});

async function cardRow() {
  const { rows } = await sql<{ remote_ref: string | null }>`select remote_ref from muster.card`.execute(office.ctx.db);
  return rows[0];
}
