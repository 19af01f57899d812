import { PageFailed } from "../adapters/statuspage-trouble.ts";
import type { StatusPage } from "../adapters/statuspage.ts";
import type { Context } from "../context.ts";
import { UserError } from "../errors.ts";
import type { Sender, Sent } from "../outbox/sender.ts";
import { tellRun } from "../outbox/tell-run.ts";
import { changing } from "./changes.ts";
import { newsOf, refusalOf, whyRefused } from "./people.ts";
import { settle, tellPage, type Update } from "./tell-page.ts";
import { awaitTurn, putOffTurns } from "./turns.ts";

/** Seconds before a page is tried again that nobody reached, or that another process has in hand. */
const againSeconds = 2;

/** Takes messages to the status page, from threads "statuspage:<run>": each run has one incident there. */
export const sendToStatusPage: Sender = async (ctx, { thread, dedupeKey: key, payload }, again) => {
  const run = thread.slice("statuspage:".length);
  if (!payload.statusPage) return { refused: true, because: "it does not say what the status page shall show" };
  const update = { ...payload.statusPage, run, key };
  try {
    const told = await changing(ctx, openPage(ctx, update.page), async (page) => {
      if (again) await settle(ctx);
      return tellPage(ctx, page, update);
    });
    const news = newsOf(update, told);
    if (news !== undefined)
      await tellRun(ctx.db, run, { key: "over" in told ? `${run}:statuspage-over` : `${key}:told`, line: news });
    if ("over" in told) return { refused: true, because: `the incident of this run was ${told.over}` };
    return { sent: true, ref: told.incident.id };
  } catch (error) {
    if (error instanceof UserError) return refuse(ctx, update, error.explanation.happened.replace(/\.$/, ""));
    if (error instanceof PageFailed) return outcomeOf(ctx, update, error, again);
    throw error;
  }
};

/** @throws UserError when the estate, or its token, is not there. */
function openPage(ctx: Context, page: string): StatusPage {
  const settings = ctx.estate.statusPage;
  if (!settings) {
    throw new UserError({
      happened: "the estate names no statusPage any more",
      means: "Customers are not told there.",
      todo: "Name it in the estate, or tell them yourself.",
    });
  }
  const { url, dispatcher } = ctx.clients.statusPages;
  return { url, dispatcher, page, token: ctx.secret(settings.token), turn: () => awaitTurn(ctx, page) };
}

/** Tells the outbox what an error of Statuspage means. What was doubtful before stays so until somebody could look. */
async function outcomeOf(ctx: Context, update: Update, failed: PageFailed, again: boolean): Promise<Sent> {
  const { trouble, message: because } = failed;
  switch (trouble.kind) {
    case "refused":
      return refuse(ctx, update, whyRefused(failed));
    case "doubtful":
      return { doubtful: true, because };
    case "throttled":
      await putOffTurns(ctx, update.page, trouble.afterSeconds);
      return later(trouble.afterSeconds, because, again);
    case "away":
      return later(againSeconds, because, again);
  }
}

const later = (retryAfterSeconds: number, because: string, again: boolean): Sent =>
  again ? { doubtful: true, because, retryAfterSeconds } : { retryAfterSeconds, because };

/** People hear of each reason once a run: the next update may well meet the same. */
async function refuse(ctx: Context, update: Update, why: string): Promise<Sent> {
  await tellRun(ctx.db, update.run, { key: `${update.run}:statuspage-refused:${why}`, line: refusalOf(update, why) });
  return { refused: true, because: why };
}
