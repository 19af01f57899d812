import { sql } from "kysely";
import { getServerDate } from "../adapters/server-date.ts";
import { stsAddress } from "../adapters/sts.ts";
import { call } from "../call.ts";
import { refusalAt } from "../host-clock.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

/** Seconds of difference that count for nothing: answers are on their way, and a Date header knows whole seconds. */
const nothingSeconds = 3;
/** From here on authenticators' codes are refused: one is good for 30 seconds before and after. */
const codesSeconds = 30;

const todo = "Have it set by NTP (chrony, systemd-timesyncd), and see that it follows.";
const subjectOf = (other: string) => `this machine's clock against that of ${other}`;

/** Whether this machine's clock and that of Muster's database agree. */
export const clockOfDatabase: Check = {
  name: "this machine's clock",
  async look(ctx) {
    const [away] = await Promise.allSettled([
      secondsBetween(ctx, async () => {
        const { rows } = await call(ctx, "db.wall-clock", () =>
          sql<{ at: Date }>`select clock_timestamp() as at`.execute(ctx.db),
        );
        return rows[0]?.at ?? new Date(Number.NaN);
      }),
    ]);
    // Where the database does not answer, its own check says so.
    return away.status === "fulfilled" ? [judgeDatabaseClock(away.value)] : [];
  },
};

/** Whether this machine's clock is right, as far as AWS can tell: by the first region that answers. */
export const clockOfWorld: Check = {
  name: "this machine's clock",
  async look(ctx) {
    const { clients, config, estate } = ctx;
    const asked = estate.regions.map((region) =>
      secondsBetween(ctx, () => getServerDate(ctx, clients.web, config.AWS_ENDPOINT_URL_STS ?? stsAddress(region))),
    );
    const away = await Promise.any(asked).catch(() => undefined);
    // Where no region answers, the look at AWS says so.
    return away === undefined ? [] : [judgeClock("AWS", away)];
  },
};

/** Says how many seconds a clock is ahead of this machine's; the question is taken to be half as old as its answer. */
async function secondsBetween({ wallNow }: DoctorContext, ask: () => Promise<Date>): Promise<number> {
  const askedAt = wallNow().getTime();
  const theirs = (await ask()).getTime();
  return (theirs - (askedAt + wallNow().getTime()) / 2) / 1000;
}

/** What it means that the clock of Muster's database is so many seconds ahead (or, below 0, behind): judged as a server that starts here judges it. */
export function judgeDatabaseClock(seconds: number): Finding {
  const refusal = refusalAt(-seconds);
  if (refusal === undefined) return judgeClock("Muster's database", seconds);
  return broken(subjectOf("Muster's database"), {
    happened: `${refusal}.`,
    means: "No server starts here, and one that runs begins nothing and leaves runs to others.",
    todo,
  });
}

/** What it means that another clock is so many seconds ahead (or, below 0, behind). */
export function judgeClock(other: string, seconds: number): Finding {
  const subject = subjectOf(other);
  const away = Math.round(Math.abs(seconds));
  if (away <= nothingSeconds) return ok(subject, `at most ${nothingSeconds} seconds apart`);
  const happened = `This machine's clock is ${away} seconds ${seconds > 0 ? "behind" : "ahead of"} that of ${other}.`;
  if (away < codesSeconds) {
    return warning(subject, {
      happened,
      means: "It still works; what is logged here has other times than elsewhere.",
      todo,
    });
  }
  return broken(subject, {
    happened,
    means:
      "Authenticators' codes are refused in this machine's terminals, and from five minutes on AWS refuses every request.",
    todo,
  });
}
