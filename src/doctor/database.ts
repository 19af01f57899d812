import { sql } from "kysely";
import { call } from "../call.ts";
import { assertMigrated } from "../db/migrate.ts";
import { messageOf, UserError } from "../errors.ts";
import { explainAs } from "../facts/explain.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, type Finding } from "./finding.ts";

const subject = "Muster's database";

/** Whether Muster's own database answers, has this version's tables, and takes writes. */
export const database: Check = {
  name: subject,
  async look(ctx) {
    try {
      const version = await call(ctx, "db.version", () => getVersion(ctx));
      return [
        (await whatIsMissing(ctx)) ?? (await writesRefused(ctx)) ?? ok(subject, `${version}, migrated, takes writes`),
      ];
    } catch (error) {
      return [
        broken(subject, {
          happened: `${explainAs(subject)(error)}.`,
          means: "Nothing can be written down: muster serve does not start, no command is taken, no run goes on.",
          todo: "Look at DATABASE_URL and at the server it names.",
        }),
      ];
    }
  },
};

async function getVersion({ db }: DoctorContext): Promise<string> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version') as version`.execute(db);
  return `Postgres ${rows[0]?.version.split(" ")[0] ?? "of an unknown version"}`;
}

async function whatIsMissing(ctx: DoctorContext): Promise<Finding | undefined> {
  try {
    await call(ctx, "db.migrated", () => assertMigrated(ctx.db));
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { happened, todo } = error.explanation;
    return broken(subject, { happened, means: "muster serve does not start here.", todo });
  }
}

/** Tries the write that /readyz tries, and takes it back: a full disk and a replica answer every question, and write nothing. */
async function writesRefused(ctx: DoctorContext): Promise<Finding | undefined> {
  try {
    await call(ctx, "db.try-write", async () => {
      const trial = await ctx.db.startTransaction().execute();
      try {
        await sql`
          insert into muster.turn (duty, holder, until) values ('doctor', ${ctx.worker}, clock_timestamp())
          on conflict (duty) do update set holder = excluded.holder, until = excluded.until`.execute(trial);
      } finally {
        await trial.rollback().execute();
      }
    });
    return undefined;
  } catch (error) {
    return broken(subject, {
      happened: `Muster's database takes no writes (${messageOf(error)}).`,
      means: "No command is taken, and no run goes on.",
      todo: "See that DATABASE_URL names the writer and not a replica, that Muster's role owns its tables, and that the disk is not full.",
    });
  }
}
