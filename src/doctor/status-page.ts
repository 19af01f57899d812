import { listComponents } from "../adapters/statuspage.ts";
import { explainAs } from "../facts/explain.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, type Finding } from "./finding.ts";

const subject = "the status page";

/** Whether the status page opens to Muster's key, and has the components that the services name. */
export const statusPage: Check = {
  name: subject,
  async look(ctx) {
    const { statusPage: wanted, services } = ctx.estate;
    if (!wanted) return [ok(subject, "the estate names none, so customers are told nothing by Muster")];
    try {
      const { url, dispatcher } = ctx.clients.statusPages;
      // One look by hand does not wait for the turn that messages wait for.
      const turn = () => Promise.resolve();
      const found = await listComponents(ctx, {
        url,
        dispatcher,
        page: wanted.page,
        token: ctx.secret(wanted.token),
        turn,
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

const lacking = ({ service, id }: { service: string; id: string }): Finding =>
  broken(subject, {
    happened: `The page has no component ${id}, which ${service} names.`,
    means: `Customers do not read there that ${service} is away.`,
    todo: "Correct statusComponents; the ids stand in the page's own list of components.",
  });

function closed(ctx: DoctorContext, error: unknown): Finding {
  return broken(subject, {
    happened: `${ctx.redact(explainAs("The status page")(error))}.`,
    means: "Customers are told nothing there; runs go on all the same.",
    todo: "Look at the estate's statusPage, and at the key that its token names.",
  });
}
