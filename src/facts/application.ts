import { asApp } from "../adapters/postgres.ts";
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
