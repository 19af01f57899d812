import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import type { DatabaseServer } from "../facts/databases/driver.ts";
import { lookAtSide } from "../facts/databases/index.ts";
import type { Side } from "../facts/targets.ts";

/** How often one server is asked about at most, in seconds, and about how many at once: RDS limits an account's calls. */
const askSeconds = 60;
const mostAtOnce = 5;

/**
 * Whether what is remembered of a server is older than its own word: it was promoted since, or follows another one now. What
 * no RDS knows is remembered by nobody. Pure.
 */
export function isOutdated(known: DatabaseServer, takesWrites: boolean): boolean {
  if (known.aurora) return known.aurora.isWriter !== takesWrites;
  return known.status !== undefined && (known.sourceId === undefined) !== takesWrites;
}

/** Renews what is remembered of servers. Nobody waits for it. */
export type Renewal = {
  /** Has what manages a server asked about it anew, and remembers the answer. */
  renew(ctx: Context, side: Side): void;
  /** Waits for what is under way. */
  stop(): Promise<void>;
};

/** Makes a renewal: on the day on which a region does not answer, plans stand on what is remembered of its servers. */
export function makeRenewal(): Renewal {
  const askedAt = new Map<string, Date>();
  const busy = new Set<Promise<void>>();
  return {
    renew(ctx, side) {
      const name = `${side.region}/${side.instance}`;
      const since = ctx.now().getTime() - (askedAt.get(name)?.getTime() ?? 0);
      if (since < askSeconds * 1000 || busy.size >= mostAtOnce) return;
      askedAt.set(name, ctx.now());
      const renewed: Promise<void> = lookAtSide(ctx, side)
        .then(() => undefined)
        .catch((error: unknown) => ctx.log.debug({ instance: name, error: messageOf(error) }, "it was not remembered"))
        .finally(() => busy.delete(renewed));
      busy.add(renewed);
    },
    stop: async () => void (await Promise.all(busy)),
  };
}
