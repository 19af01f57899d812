import { asApp, type PgTarget } from "../adapters/postgres.ts";
import { tryWrite } from "../adapters/postgres-fence.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import { explainAs } from "./explain.ts";
import { look, type Fact } from "./fact.ts";
import type { Sides } from "./targets.ts";

/** Which database an application uses, and as whom; its password stays where it is. */
export type ApplicationFacts = { role: string; database: string };

/** Reads what the secret of the application's role says, without the secret. */
export function lookAtApplication(ctx: Context, service: string, { from, to }: Sides): Promise<Fact<ApplicationFacts>> {
  const reference = from.appRole ?? to.appRole;
  return look(
    ctx,
    () => {
      if (!reference) return Promise.resolve(unknown(`the estate names no appRole for the databases of ${service}`));
      const { user, database } = asApp({ host: "", port: 0 }, ctx.secret(reference));
      return Promise.resolve({ role: user, database });
    },
    explainAs("the secret of the application's role"),
  );
}

/**
 * Tries a write as the application at a side on which its role may log in, with the secret that the plan will name there,
 * and leaves nothing behind. Says why Muster was not let in: no fence could be proven there. A server that falls silent
 * meanwhile says nothing of it. Nor does one whose connections are all taken: behind a fence the old writer's are ended, and
 * the right to log in is judged before their number.
 */
export async function whyShut(
  ctx: Context,
  sides: Sides,
  side: "from" | "to",
  place: Pick<PgTarget, "host" | "port">,
): Promise<string | undefined> {
  const { instance, appRole } = sides[side];
  const reference = appRole ?? sides[side === "from" ? "to" : "from"].appRole;
  if (!reference) return undefined;
  try {
    const attempt = await tryWrite(ctx, ctx.clients.pg, asApp(place, ctx.secret(reference)));
    return attempt.accepted === "unknown" && !attempt.full ? attempt.because : undefined;
  } catch (error) {
    return whyUnreachable(error) === undefined ? explainAs(instance)(error) : undefined;
  }
}
