import { sql } from "kysely";
import { blamesToken } from "../adapters/slack-codes.ts";
import type { Context } from "../context.ts";
import { putOut } from "./put.ts";
import { tellRun } from "./tell-run.ts";

/** Mails the approvers that Slack shuts us out. At most once a day. */
export async function tellLockedOut(ctx: Context, because: string): Promise<void> {
  const ofToken = blamesToken(because);
  const subject = ofToken ? "Slack does not take Muster's token" : "Slack lets nothing of Muster's in";
  await mailRarely(ctx, { key: "slack-locked-out", everySeconds: 24 * 3600 }, subject, [
    ofToken ? `Slack refuses Muster's token (${because}).` : `Slack refuses whatever Muster says (${because}).`,
    "Runs go on; nothing is said in Slack, and no command or button there works.",
    ofToken
      ? "Install the app again, set SLACK_BOT_TOKEN (with Socket Mode also SLACK_APP_TOKEN) and restart Muster; until then use the terminal: muster runs."
      : `Ask whoever administers the workspace about ${because}: its keys, the apps it admits, the networks it takes calls from. Muster tries each minute and needs no restart; until then use the terminal: muster runs.`,
  ]);
}

/** Tells people, by another way, that a message of this thread has waited for a minute. A mail that waits is told by nobody. */
export async function tellWaiting(ctx: Context, thread: string, because: string): Promise<void> {
  const [kind, id = ""] = thread.split(":");
  if (kind === "statuspage") return tellPageAway(ctx, id, because);
  if (kind !== "mail") await tellAway(ctx, because);
}

/** Says in a run's thread that the status page is behind. At most once a run. */
async function tellPageAway(ctx: Context, run: string, because: string): Promise<void> {
  const line = [
    `The status page has taken nothing from Muster for about a minute: ${because}.`,
    "The run does not wait for it; what customers are told goes out in order when the page is back.",
    "Until then, tell them yourself.",
  ].join(" ");
  await tellRun(ctx.db, run, { key: `${run}:statuspage-away`, line });
}

/** Mails the approvers that messages have waited for a minute. At most once an hour. */
export async function tellAway(ctx: Context, because: string): Promise<void> {
  await mailRarely(ctx, { key: "slack-away", everySeconds: 3600 }, "Slack takes no messages from Muster", [
    `Slack has taken no message from Muster for about a minute (${because}).`,
    "Runs go on; what is said about them arrives in order when Slack is back.",
    "Follow and decide in the terminal until then: muster runs.",
  ]);
}

/** Mails the approvers that no channel of the estate can be written to. At most once an hour. */
export async function tellHomeless(ctx: Context, channels: readonly string[], because: string): Promise<void> {
  await mailRarely(ctx, { key: "slack-homeless", everySeconds: 3600 }, "No channel takes Muster's messages", [
    `Muster can write to none of its channels (${channels.join(", ")}): Slack says ${because}.`,
    "Runs go on; nothing of them is shown in Slack, and no button there can be pressed.",
    "Invite the app to one of these channels; until then follow and decide in the terminal: muster runs.",
  ]);
}

/** Mails the approvers that Muster's database is an older copy. Once each time it is found. */
export async function tellSetBack(
  ctx: Context,
  { id, because, runs }: { id: number; because: string; runs: readonly string[] },
): Promise<void> {
  await mailApprovers(ctx, `set-back:${id}`, "Muster's database was set back to an older copy", [
    `${because}.`,
    `What was typed, approved or changed meanwhile is forgotten here, though it may well have happened. ${runs.length === 0 ? "No run is open as far as Muster knows." : `Nothing is changed by the runs that are open (${runs.join(", ")}): those under way are held, the others lost their approvals.`}`,
    "Look at who writes, where traffic goes and what the threads say; then press Resume on each, or type what is missing again. Should another Muster run on a copy of this database, stop it: both write about one world.",
  ]);
}

/** Mails a person, and those who approve, that this person can approve in a terminal from now on. */
export async function tellEnrolled(ctx: Context, person: string): Promise<void> {
  // Put out whoever sends it: a terminal sends no mail itself, a server does.
  await mail(ctx, [person, ...approversOf(ctx)], {
    key: `enrolled:${ctx.newId()}`,
    subject: `${person} has a new authenticator`,
    lines: [
      `${person} was given an authenticator in a terminal, at ${ctx.now().toISOString().slice(0, 19)}Z.`,
      "Its codes approve in a terminal as that person; one they had before counts no more.",
      `If ${person} knows nothing of it, somebody sits at their login: close it, and have whoever keeps Muster's database take the row of ${person} out of muster.totp.`,
    ],
  });
}

type LeftOpen = { run: string; service: string; instance: string };

/** Says in a run's thread, and by mail, that Muster cannot look into the old writer it left open. At most once a run and service. */
export async function tellShutOut(ctx: Context, { run, service, instance }: LeftOpen, why: string): Promise<void> {
  await tellLeftOpen(ctx, { run, key: `${run}:${service}:shut-out` }, `${instance} is not fenced`, [
    `Muster cannot look into the old writer of ${service}: ${why}.`,
    `${instance} was left without a fence, and may take writes that the new writer will never have.`,
    `Let Muster's role in; or fence ${instance} yourself: "alter role ... nologin" for the application's role there, then end its sessions, which go on writing otherwise: "select pg_terminate_backend(pid) from pg_stat_activity where usename = '...'". Muster goes on looking.`,
  ]);
}

/** Says the same way that an old writer takes writes, and is left open because nobody else is seen to. At most once a run and service. */
export async function tellOnlyWriter(ctx: Context, { run, service, instance }: LeftOpen, why: string): Promise<void> {
  await tellLeftOpen(ctx, { run, key: `${run}:${service}:only-writer` }, `${instance} answers, and is not fenced`, [
    `${instance}, the old writer of ${service}, answers and takes writes, and the new one is not seen to take any: ${why}.`,
    `${instance} is left open: with it fenced, nobody might take writes.`,
    `Look at the promotion. Once the new one is seen to take writes, Muster fences ${instance}; until then it is yours to decide which of them is the writer.`,
  ]);
}

type Once = { run: string; key: string };

async function tellLeftOpen(ctx: Context, { run, key }: Once, subject: string, sentences: string[]): Promise<void> {
  const lines = sentences.map((sentence) => ctx.redact(sentence));
  await mailApprovers(ctx, key, subject, lines);
  await tellRun(ctx.db, run, { key, line: lines.join(" ") });
}

type Rarely = { key: string; everySeconds: number };

/** Mails the approvers unless they had the same within so many seconds. */
async function mailRarely(
  ctx: Context,
  { key, everySeconds }: Rarely,
  subject: string,
  lines: string[],
): Promise<void> {
  // Its key names the period of the clock it falls in; one of the period before may be a moment old.
  const period = Math.floor(ctx.now().getTime() / (everySeconds * 1000));
  const before = Object.keys(ctx.estate.people).map((name) => `${key}:${period - 1}:${name}`);
  const { rows } = await sql`
    select from muster.outbox where dedupe_key = any(${before}::text[])
       and put_at > muster.now() - make_interval(secs => ${everySeconds}) limit 1`.execute(ctx.db);
  if (rows.length === 0) await mailApprovers(ctx, `${key}:${period}`, subject, lines);
}

const approversOf = ({ estate }: Context): string[] => [...estate.approvers, ...(estate.region_approvers ?? [])];

async function mailApprovers(ctx: Context, key: string, subject: string, lines: string[]): Promise<void> {
  if (ctx.senders.has("mail")) await mail(ctx, approversOf(ctx), { key, subject, lines });
}

type Mail = { key: string; subject: string; lines: string[] };

async function mail(ctx: Context, people: readonly string[], { key, subject, lines }: Mail): Promise<void> {
  for (const name of new Set(people)) {
    if (ctx.estate.people[name]?.mail === undefined) continue;
    const payload = { subject: `[Muster] ${subject}`, lines };
    await putOut(ctx.db, { thread: `mail:${name}`, dedupeKey: `${key}:${name}`, payload });
  }
}
