import type { Preview } from "../../jobs/job.ts";
import type { Context } from "../context.ts";
import { postMessage, updateMessage } from "../adapters/slack.ts";
import type { SlackClient } from "../adapters/slack-client.ts";
import { extended } from "../engine/draft.ts";
import { loadEvents, loadJournal, type Run } from "../engine/journal.ts";
import type { Plan } from "../engine/plan.ts";
import type { Json } from "../engine/step.ts";
import { fold } from "../engine/fold.ts";
import type { RunView } from "../engine/view.ts";
import { keepCard } from "../outbox/rows.ts";
import { type Card, type CardSender, type Sent, takenAway } from "../outbox/sender.ts";
import { cardButtons } from "./card-buttons.ts";
import { failedWith, outcomeOf } from "./outcome.ts";
import { type CardRun, type CardState, drawCard } from "./plan-card.ts";
import { placeOf, refOf } from "./ref.ts";
import { lookFor, mentionOf, named, shortened } from "./sender.ts";

/** What a card shows that others know: what a job saw, and what came of a run. */
export type CardSources = {
  preview(job: string, plan: Plan, facts: Json): Preview | undefined;
  /** Lines about a run that is over; none where its job makes no report. */
  report(ctx: Context, job: string, runId: string): Promise<readonly string[]>;
};

/** Makes what keeps runs' cards up to date in Slack. */
export function cardSender(slack: SlackClient, sources: CardSources): CardSender {
  // A workspace that does not know plan blocks says so once; from then on it gets sections.
  const taste = { planBlocks: true };
  const known: KnownRuns = new Map();
  return async (ctx, card, again) => {
    const from = { channel: card.channel, ...(card.ref === undefined ? {} : { ref: card.ref }) };
    const key = `card:${card.run}:${card.channel}`;
    try {
      const where = { channel: card.channel, key };
      const found = again ? await lookFor(ctx, slack, where, { from, attempts: card.attempts }) : undefined;
      if (found && !("sent" in found)) return found;
      const state = await readState(ctx, card.run, sources, known);
      if (!state) return { refused: true, because: "there is no such run" };
      // One that arrived unnoticed is edited: it shows the run as it was then.
      const standing = found?.ref === undefined ? card : { ...card, ref: found.ref };
      if (standing.ref === undefined && !(await keepCard(ctx.db, card))) return { doubtful: true, because: takenAway };
      return await show(ctx, slack, { card: standing, key, state, taste });
    } catch (error) {
      return outcomeOf(error, from);
    }
  };
}

type Showing = { card: Card; key: string; state: Omit<CardState, "planBlocks">; taste: { planBlocks: boolean } };

/** Shows a card in the finest way that this workspace takes. */
async function show(ctx: Context, slack: SlackClient, { card, key, state, taste }: Showing): Promise<Sent> {
  for (;;) {
    const { planBlocks } = taste;
    const draft = drawCard({ ...state, planBlocks });
    try {
      return { sent: true, ref: await put(ctx, slack, card, key, draft) };
    } catch (error) {
      if (!failedWith(error, "plainer", "shorten")) throw error;
      ctx.log.warn({ run: card.run, because: error.message }, "a card is shown more plainly");
      if (!planBlocks || error.trouble.kind === "shorten") {
        return {
          sent: true,
          ref: await put(ctx, slack, card, key, { text: shortened(draft.text, error), blocks: [] }),
        };
      }
      taste.planBlocks = false;
    }
  }
}

async function put(
  ctx: Context,
  slack: SlackClient,
  { channel, ref }: Card,
  key: string,
  draft: { text: string; blocks: readonly object[] },
): Promise<string> {
  if (ref === undefined) return refOf(await postMessage(ctx, slack, { channel, key, ...draft }));
  await updateMessage(ctx, slack, { ...placeOf(ref), ...draft });
  return ref;
}

/** Runs whose cards were drawn, as far as their journals were read then: the plan of a thousand services is read once. */
type KnownRuns = Map<string, { run: Run; view: RunView; lastSeq: number }>;
const mostKnown = 8;

async function readRun(
  { db }: Context,
  runId: string,
  known: KnownRuns,
): Promise<{ run: Run; view: RunView } | undefined> {
  const before = known.get(runId);
  // Whoever is drawn now is forgotten last.
  known.delete(runId);
  if (!before) {
    const loaded = await loadJournal(db, runId);
    if (!loaded) return undefined;
    const { run, events } = loaded;
    keep(known, { run, view: fold(run.plan, events), lastSeq: events.at(-1)?.seq ?? 0 });
  } else {
    const news = await loadEvents(db, runId, before.lastSeq);
    const view = news.length > 0 ? extended(before.view, news) : before.view;
    keep(known, { run: before.run, view, lastSeq: news.at(-1)?.seq ?? before.lastSeq });
  }
  return known.get(runId);
}

function keep(known: KnownRuns, one: { run: Run; view: RunView; lastSeq: number }): void {
  known.set(one.run.id, one);
  for (const oldest of [...known.keys()].slice(0, -mostKnown)) known.delete(oldest);
}

async function readState(
  ctx: Context,
  runId: string,
  sources: CardSources,
  known: KnownRuns,
): Promise<Showing["state"] | undefined> {
  const loaded = await readRun(ctx, runId, known);
  if (!loaded) return undefined;
  const { run: stored, view } = loaded;
  const { id, plan, planHash, requestedBy, reason } = stored;
  // What was seen before is shown until it begins.
  const facts = ctx.db.selectFrom("run").where("id", "=", runId);
  const row = await facts.select("approve_until").executeTakeFirstOrThrow();
  const seen = view.startedAt ? undefined : await facts.select("facts").executeTakeFirstOrThrow();
  const run: CardRun = {
    id,
    plan,
    planHash,
    requestedBy,
    approveUntil: row.approve_until,
    ...(reason === undefined ? {} : { reason }),
  };
  return {
    run,
    view,
    preview: seen && sources.preview(stored.job, plan, seen.facts),
    report: view.ended && view.startedAt ? [...foundBy(view), ...(await sources.report(ctx, stored.job, runId))] : [],
    buttons: await named(ctx, cardButtons(run, view)),
    mention: (name) => mentionOf(ctx, name),
  };
}

/** What steps found that people should know. */
const foundBy = ({ steps }: RunView): string[] =>
  [...steps.values()].flatMap(({ done }) => (done?.found === undefined ? [] : [done.found]));
