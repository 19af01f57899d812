import { styleText } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { findJob } from "../../jobs/index.ts";
import { previewLines } from "../../jobs/preview/lines.ts";
import { loadRegionReport } from "../../jobs/report/load-region.ts";
import { loadReport } from "../../jobs/report/load.ts";
import { regionReportLines } from "../../jobs/report/region.ts";
import type { Report } from "../../jobs/report/failover.ts";
import { reportLines } from "../../jobs/report/lines.ts";
import { openDb, type Db } from "../db/connect.ts";
import { standing } from "../engine/decide.ts";
import { loadJournal } from "../engine/journal.ts";
import type { Plan } from "../engine/plan.ts";
import { fold } from "../engine/fold.ts";
import { UserError } from "../errors.ts";
import { east, record, west } from "./estate.ts";
import { countFigures, type Figures, type Story } from "./figures.ts";
import { harmIn, type Harm } from "./harm.ts";
import { openLab, type Lab } from "./lab.ts";
import { Narrator } from "./narrator.ts";
import { Servers } from "./servers.ts";
import { shopServices } from "./services.ts";

export type DemoOptions = {
  graceful: boolean;
  /** A whole shop of twelve services is moved, and not checkout alone. */
  region?: boolean;
  /** A step inside of which the server that drives the run is killed, once. */
  killIn?: string;
  /** Lab seconds in one second on the wall. */
  scale: number;
  print: (line: string) => void;
};

export type Played = { figures: Figures; harm: Harm };

/** Who buys, and looks at what was bought. Where nothing is ever silent, as only a busy machine is slow then, they are patient. */
export const buyers = (graceful: boolean) => ({
  count: 3,
  everySeconds: 2,
  lookEverySeconds: 2,
  ...(graceful ? { timeoutSeconds: 30 } : {}),
});

/** How long a call may take, in wall milliseconds: five lab seconds, unless two cores need longer or nothing is ever silent. */
export const callTimeoutMs = (scale: number, graceful: boolean): number =>
  graceful ? 1500 : Math.max(500, 5000 / scale);

/** How long everything is well before anything happens, in lab seconds. */
const calmSeconds = 40;
/** How long people look at the outage before one of them types, in lab seconds. */
const thinkingSeconds = 60;

/**
 * Opens a lab, breaks a region (or not), lets people act, tells what happens, and counts.
 * @throws UserError where a server was to be killed and none was.
 */
export async function playDemo({ graceful, region = false, killIn, scale, print }: DemoOptions): Promise<Played> {
  const bold = (text: string) => styleText("bold", text);
  const what = region ? `${shopServices.length} services of a shop` : "a service that people buy from";
  print(bold(`Muster: two regions on this machine, and ${what}.`));
  print(`${scale} lab seconds pass in one second; every delay is the real service's.`);
  await using lab = await openLab({
    rate: scale,
    serve: false,
    ...(region ? { services: shopServices, replicas: 3 } : { replicas: 4 }),
    customers: buyers(graceful),
    estate: { stabilitySeconds: 120 },
    // A lab of twelve services is busier than one: its answers take longer on the wall.
    settings: region
      ? { LEASE_MILLISECONDS: "6000", CALL_TIMEOUT_MILLISECONDS: "2500" }
      : { LEASE_MILLISECONDS: "3000", CALL_TIMEOUT_MILLISECONDS: String(callTimeoutMs(scale, graceful)) },
  });
  const servers = new Servers(lab.environment);
  const db = openDb(lab.environment["DATABASE_URL"] ?? "", { max: 2, leaseMs: 60_000 });
  try {
    await Promise.all([servers.start(), servers.start()]);
    const narrator = new Narrator({ lab, db, print });
    narrator.say(`${record} is served from ${east}. Two servers of Muster listen in Slack.`);
    await narrator.until("the prober sees it", () => probed(db, true), 300);
    await narrator.pass(calmSeconds);
    if (!graceful) await goDark(lab, narrator, db);

    const typed = `/failover ${west} ${region ? "" : "checkout "}--reason "${graceful ? "planned move" : `${east} is dark`}"`;
    narrator.say(bold(`ana types: ${typed}`));
    await lab.slack.types("U01", "#incident-response", typed);
    await narrator.until("the plan", async () => (await newestRun(db)) !== undefined, 300);
    const runId = (await newestRun(db)) ?? "";
    const { job, plan, facts } = await findProposal(db, runId);
    if (killIn !== undefined) mustHaveStep(plan, killIn);
    for (const line of previewLines(findJob(job).preview(plan, facts))) print(`       ${line}`);
    narrator.follow(runId);
    await narrator.until("the card", () => hasButton(lab, "Approve"), 300);
    for (const [id, name] of [
      ["U02", "ben"],
      ["U03", "cleo"],
    ] as const) {
      narrator.say(bold(`${name} presses Approve`));
      await lab.slack.presses(id, "Approve");
    }
    if (killIn !== undefined) await killInside({ db, runId, step: killIn, servers, narrator });
    await narrator.until("the end of the run", async () => restsFor(await viewOf(db, runId)), 4 * 3600);
    // What is still on its way out, and what customers were waiting for, arrives.
    await pause(1500);
    await lab.customer?.stop();
    await servers.stop();
    const { checkout, lines } = await reportOf(db, runId, region);
    const figures = await countFigures(lab, await storyOf(db, runId, checkout, servers));
    print("");
    print(bold("Report"));
    for (const line of lines) print(`  ${line}`);
    const counts = lab.customer?.counts();
    print(
      `  Customers: ${counts?.accepted.length} orders answered, ${counts?.errors} tries failed, ${figures.ordersLost} orders lost, ${figures.ordersDoubled} stored twice.`,
    );
    print(
      `  Muster's own time: ${figures.ownSeconds} s on the wall. Longest way of the outside's delays: ${figures.criticalPathSeconds} lab seconds.`,
    );
    return { figures, harm: await harmIn(lab) };
  } finally {
    await servers.stop();
    await db.destroy();
  }
}

/** The report for people, and checkout's own: it is the service that customers buy from. */
async function reportOf(db: Db, runId: string, region: boolean): Promise<{ checkout: Report; lines: string[] }> {
  if (!region) {
    const checkout = await loadReport({ db }, runId);
    return { checkout, lines: reportLines(checkout) };
  }
  const report = await loadRegionReport({ db }, runId);
  const checkout = report.services.find(({ service }) => service === "checkout")?.report;
  if (!checkout) throw new Error("the move of the region was without checkout");
  return { checkout, lines: regionReportLines(report).whole };
}

/** Kills the east, and waits until the prober has seen it: impact and detection are seen, not assumed. */
async function goDark(lab: Lab, narrator: Narrator, db: Db): Promise<void> {
  await lab.setRegionDead(east, true);
  narrator.say(
    styleText(
      ["bold", "red"],
      `${east} goes dark: its database, its cluster, its front door and its RDS answer nobody`,
    ),
  );
  await narrator.until("the prober sees red", () => probed(db, false), 600);
  narrator.say("the prober sees that customers are not served; people look, and decide");
  await narrator.pass(thinkingSeconds);
}

async function killInside({
  db,
  runId,
  step,
  servers,
  narrator,
}: {
  db: Db;
  runId: string;
  step: string;
  servers: Servers;
  narrator: Narrator;
}) {
  const owner = async () => {
    const { rows } = await sql<{ owner: string }>`
      select r.owner from muster.run r where r.id = ${runId} and r.owner is not null
         and exists (select from muster.step_event e where e.run = r.id and split_part(e.step, '/', 2) = ${step} and e.kind in ('first-look', 'intent'))
         and not exists (select from muster.step_event e where e.run = r.id and split_part(e.step, '/', 2) = ${step} and e.kind = 'done')`.execute(
      db,
    );
    return rows[0]?.owner;
  };
  let victim: string | undefined;
  const isInside = async () => (victim = await owner()) !== undefined || restsFor(await viewOf(db, runId));
  await narrator.until(`a server inside ${step}`, isInside, 4 * 3600);
  if (victim === undefined)
    throw new UserError({
      happened: `No server was killed: the run rested before anybody saw ${step} under way.`,
      means: "The story was played without its kill, so it shows nothing about one.",
      todo: "Play it again with a smaller --scale, or name a step that takes longer.",
    });
  servers.kill(victim);
  narrator.say(styleText(["bold", "red"], `${victim} is killed inside ${step} (SIGKILL)`));
}

/** A question is nobody's work: no server is ever inside one. */
function mustHaveStep({ nodes }: Plan, step: string): void {
  const steps = nodes.filter(({ kind }) => kind === "step").map((node) => node.step);
  if (steps.includes(step)) return;
  throw new UserError({
    happened: `The plan has no step "${step}".`,
    means: "No server was killed, and the demo ended.",
    todo: `Name one of: ${steps.join(", ")}.`,
  });
}

async function probed(db: Db, ok: boolean): Promise<boolean> {
  const { rows } = await sql<{ ok: boolean }>`
    select ok from muster.probe where service = 'checkout' and via = 'public' order by seq desc limit 1`.execute(db);
  return rows[0]?.ok === ok;
}

async function newestRun(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`select id from muster.run order by proposed_at desc limit 1`.execute(db);
  return rows[0]?.id;
}

async function findProposal(db: Db, runId: string) {
  const { job, plan, facts } = await db
    .selectFrom("run")
    .select(["job", "plan", "facts"])
    .where("id", "=", runId)
    .executeTakeFirstOrThrow();
  return { job, plan, facts: facts as never };
}

const hasButton = (lab: Lab, label: string): boolean =>
  JSON.stringify(lab.slack.messages("#incident-response")).includes(`"${label}"`);

async function viewOf(db: Db, runId: string) {
  const loaded = await loadJournal(db, runId);
  if (!loaded) throw new Error(`run ${runId} is gone`);
  return { ...loaded, view: fold(loaded.run.plan, loaded.events) };
}

const restsFor = ({ view }: Awaited<ReturnType<typeof viewOf>>): boolean =>
  ["done", "failed", "cancelled", "parked", "waiting"].includes(standing(view));

async function storyOf(db: Db, runId: string, report: Report, servers: Servers): Promise<Story> {
  const { run, events, view } = await viewOf(db, runId);
  return {
    plan: run.plan,
    view,
    events,
    report,
    mode: run.plan.nodes.some(isForced) ? "ungraceful" : "graceful",
    spans: servers.spans,
  };
}

/** A step that was told that the old side need not answer. */
const isForced = ({ input }: { input: unknown }): boolean => (input as { mode?: string }).mode === "ungraceful";
