import { call } from "../call.ts";
import { explainAs } from "../facts/explain.ts";
import type { Check, DoctorContext, QueueSeen } from "./check.ts";
import { ok, warning, type Finding } from "./finding.ts";

const delayed = "Runs go on about a second later than they could; none is lost.";

/** Whether the queue rings. Without it runs are found by the sweep: later, and not never, so that none of it is broken. */
export const queue: Check = {
  name: "the queue",
  async look(ctx) {
    const { subject, settings } = placeOf(ctx);
    try {
      return [judge(subject, settings, await call(ctx, "queue.look", () => ctx.lookAtQueue()))];
    } catch (error) {
      const todo = settings
        ? `Look at ${settings} and at the ${ctx.config.REDIS_URL ? "server it names" : "servers they name"}.`
        : "Type muster migrate, which makes the queue's tables too; if it is so afterwards, look at Muster's database.";
      return [warning(subject, { happened: `${explainAs("The queue")(error)}.`, means: delayed, todo })];
    }
  },
};

/** What is looked at, and by which settings; by none where it is Muster's own Postgres. */
function placeOf({ config }: DoctorContext): { subject: string; settings?: string } {
  if (config.REDIS_URL) return { subject: "the queue (Redis)", settings: "REDIS_URL" };
  if (config.REDIS_SENTINELS)
    return { subject: "the queue (Redis, by Sentinel)", settings: "REDIS_SENTINELS and REDIS_MASTER" };
  return { subject: "the queue (Postgres)" };
}

function judge(subject: string, settings = "", { version, evicts, follows, sentinels }: QueueSeen): Finding {
  const notReplaced =
    "The queue rings. When its Redis is lost, no other may take its place: runs go on about a second later then; none is lost.";
  if (follows) {
    return warning(subject, {
      happened: `The Redis that ${settings} ${sentinels ? "name" : "names"} follows another, and takes no writes.`,
      means: delayed,
      todo: sentinels
        ? "Look again in a minute: it may be a failover. If it stays so, look at the sentinels."
        : "Name the one that it follows.",
    });
  }
  if (evicts !== undefined) {
    return warning(subject, {
      happened: `Redis throws keys away when its memory is full (maxmemory-policy ${evicts}).`,
      means: "It may throw away rings that wait. Runs go on later then; none is lost.",
      todo: "Set maxmemory-policy to noeviction.",
    });
  }
  if (sentinels && sentinels.faults.length > 0) {
    return warning(subject, {
      happened: `${sentinels.faults.length} of ${sentinels.asked} sentinels cannot be asked: ${sentinels.faults.join("; ")}.`,
      means: notReplaced,
      todo: "Look at these servers, and at REDIS_SENTINELS.",
    });
  }
  if (sentinels?.cannotAgree) {
    return warning(subject, {
      happened: "The sentinels see too few of each other to agree that their master is lost.",
      means: notReplaced,
      todo: "Look at the quorum they are configured with, and whether they reach each other.",
    });
  }
  return ok(subject, sentinels ? `${version}, by ${sentinels.asked} sentinels` : version);
}
