import { call } from "../call.ts";
import { explainAs } from "../facts/explain.ts";
import type { Check } from "./check.ts";
import { ok, warning, type Finding } from "./finding.ts";

/** Whether the queue rings. Without it runs are found by the sweep: later, and not never, so that none of it is broken. */
export const queue: Check = {
  name: "the queue",
  async look(ctx) {
    const kind = ctx.config.REDIS_URL ? "Redis" : "Postgres";
    const subject = `the queue (${kind})`;
    const delayed = "Runs go on about a second later than they could; none is lost.";
    let trouble: Finding | undefined;
    try {
      const { version, evicts, follows } = await call(ctx, "queue.look", () => ctx.lookAtQueue());
      if (follows) {
        trouble = warning(subject, {
          happened: "The Redis that REDIS_URL names follows another, and takes no writes.",
          means: delayed,
          todo: "Name the one that it follows.",
        });
      } else if (evicts !== undefined) {
        trouble = warning(subject, {
          happened: `Redis throws keys away when its memory is full (maxmemory-policy ${evicts}).`,
          means: "It may throw away rings that wait. Runs go on later then; none is lost.",
          todo: "Set maxmemory-policy to noeviction.",
        });
      }
      return [trouble ?? ok(subject, version)];
    } catch (error) {
      const todo = ctx.config.REDIS_URL
        ? "Look at REDIS_URL and at the server it names."
        : "Type muster migrate, which makes the queue's tables too; if it is so afterwards, look at Muster's database.";
      return [warning(subject, { happened: `${explainAs("The queue")(error)}.`, means: delayed, todo })];
    }
  },
};
