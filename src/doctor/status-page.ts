import { listComponents } from "../adapters/statuspage.ts";
import { PageFailed } from "../adapters/statuspage-trouble.ts";
import { Clock } from "../clock.ts";
import { readClock } from "../db/connect.ts";
import { explainAs } from "../facts/explain.ts";
import { awaitTurn } from "../statuspage/turns.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

const subject = "the status page";

/** Whether the status page opens to Muster's key, and has the components that the services name. */
export const statusPage: Check = {
  name: subject,
  async look(ctx) {
    const { statusPage: wanted, services } = ctx.estate;
    if (!wanted) return [ok(subject, "the estate names none, so customers are told nothing by Muster")];
    try {
      const { url, dispatcher } = ctx.clients.statusPages;
      const found = await listComponents(ctx, {
        url,
        dispatcher,
        page: wanted.page,
        token: ctx.secret(wanted.token),
        turn: () => turnOf(ctx, wanted.page),
      });
      const ids = new Set(found.map(({ id }) => id));
      const named = Object.entries(services).flatMap(([service, { statusComponents }]) =>
        statusComponents.map((id) => ({ service, id })),
      );
      const missing = named.filter(({ id }) => !ids.has(id));
      return missing.length > 0
        ? missing.map(lacking)
        : [ok(subject, `it opens, and has all ${named.length} components`)];
    } catch (error) {
      return [closed(ctx, error)];
    }
  },
};

/** Waits for the turn that messages wait for, too: a look during a run costs none of them a refusal. */
async function turnOf(ctx: DoctorContext, page: string): Promise<void> {
  try {
    // Turns are told on Muster's clock, and this machine's may be any other. Rather late by a round trip than early.
    const { shows, rate, roundTripMs } = await readClock(ctx.db);
    const clock = new Clock({ shows: new Date(shows.getTime() - (roundTripMs / 2) * rate), rate });
    await awaitTurn({ ...ctx, clock }, page);
  } catch (error) {
    if (error instanceof PageFailed) throw error;
    // Where Muster's database takes no turn, no message takes one either, and its own check says why.
  }
}

const lacking = ({ service, id }: { service: string; id: string }): Finding =>
  broken(subject, {
    happened: `The page has no component ${id}, which ${service} names.`,
    means: `Customers do not read there that ${service} is away.`,
    todo: "Correct statusComponents; the ids stand in the page's own list of components.",
  });

function closed(ctx: DoctorContext, error: unknown): Finding {
  if (error instanceof PageFailed && error.trouble.kind === "throttled") {
    return warning(subject, {
      happened: `${ctx.redact(explainAs("The status page was not looked at")(error))}.`,
      means: "It has been asked as often as it takes. Muster's updates wait, too, and go out in order.",
      todo: "Look again in a minute.",
    });
  }
  return broken(subject, {
    happened: `${ctx.redact(explainAs("The status page")(error))}.`,
    means: "Customers are told nothing there; runs go on all the same.",
    todo: "Look at the estate's statusPage, and at the key that its token names.",
  });
}
