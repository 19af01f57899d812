import type { Context } from "../context.ts";
import { giveUpTurn, holdTurn } from "../db/turn.ts";
import { messageOf } from "../errors.ts";

/** Something that goes on until it is stopped; stopping waits for what is under way. */
export type Watch = { stop(): Promise<void> };

export type Duty = {
  /** Names the duty among all processes: one of them does it at a time. */
  name: string;
  /** Seconds from the beginning of one turn to that of the next, on Muster's clock. */
  everySeconds: number;
};

/** Does a duty again and again, in one process at a time; a turn that fails is logged, and the next one comes all the same. */
export function watch(ctx: Context, duty: Duty, tick: (ctx: Context, signal: AbortSignal) => Promise<void>): Watch {
  // No run waits for a watch, and nobody waits for what it waits for.
  const activity = ctx.activity.background();
  const stopping = new AbortController();
  const { signal } = stopping;
  const turns = async () => {
    while (!signal.aborted) {
      // From beginning to beginning: a turn that waits long for an answer does not put off the next.
      const next = new Date(ctx.now().getTime() + duty.everySeconds * 1000);
      try {
        if (await takeTurn(ctx, duty)) await tick({ ...ctx, activity }, signal);
      } catch (error) {
        if (!signal.aborted) ctx.log.warn({ duty: duty.name, error: messageOf(error) }, "a watch had a bad turn");
      }
      await ctx.clock.until(next, signal).catch(() => undefined);
    }
  };
  const ended = turns();
  return {
    async stop() {
      stopping.abort(new Error("Muster stops"));
      await ended;
      await giveUpTurn(ctx.db, { duty: duty.name, holder: ctx.worker }).catch((error: unknown) =>
        ctx.log.warn({ duty: duty.name, error: messageOf(error) }, "a turn could not be given up"),
      );
    },
  };
}

/**
 * Takes or keeps a turn; false while another process has it. A turn outlives its holder by a lease and two periods, on the
 * wall: whoever dies is followed soon.
 */
export function takeTurn(ctx: Context, { name, everySeconds }: Duty): Promise<boolean> {
  const seconds = ctx.leaseMs / 1000 + (2 * everySeconds) / ctx.clock.rate;
  return holdTurn(ctx.db, { duty: name, holder: ctx.worker }, seconds);
}
