import type { Activity } from "./activity.ts";
import type { Breakers } from "./breaker.ts";
import { messageOf, rewordError } from "./errors.ts";
import type { CallOutcome, Meters } from "./meters.ts";
import { inSpan, isTraced } from "./trace.ts";

/** What every call that leaves the process needs from outside. */
export type CallContext = {
  /** Passed before and after each call; a sweep stops the process there. */
  point(name: string): Promise<void>;
  /** Calls open now, for a lab that must know when nothing is going on. */
  activity: Activity;
  /** Wall milliseconds after which a call is given up. */
  callTimeoutMs: number;
  log: Log;
  /** Takes secrets out of what a call throws, before anybody can journal, log or show it. */
  redact: (text: string) => string;
  /** Learns from every call which targets are in trouble. */
  breakers?: Breakers;
  /** What is done now can wait while its target is in trouble: see `sparing`. */
  canWait?: true;
  /** Counts calls, where somebody watches. */
  meters?: Meters;
};

/** The few words of pino that the code uses. */
export type Log = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** A call outlived its timeout: whether it had an effect is not known. Look before doing it again. */
export class CallTimedOut extends Error {
  constructor(name: string, milliseconds: number) {
    super(`${name} did not answer in ${milliseconds} ms`);
    this.name = "CallTimedOut";
  }
}

export type CallOptions = { signal?: AbortSignal | undefined; timeoutMs?: number };

/** Whom a call asks, where the first word of its name does not say it: "rds us-east-1". */
export type Targeted = CallOptions & { target?: string };

/**
 * Makes the context of work that is done again and again and can wait, such as telling people: an open breaker keeps its
 * calls back. Never for a run, nor for what a person asked for, nor for a watch that looks out for an end of the trouble.
 */
export const sparing = <Ctx extends CallContext>(ctx: Ctx): Ctx => ({ ...ctx, canWait: true });

/** Makes the context of a look at what was silent a moment ago: whoever lives again answers within a part of a call's time. */
export const briefly = <Ctx extends CallContext>(ctx: Ctx): Ctx => ({ ...ctx, callTimeoutMs: ctx.callTimeoutMs * 0.4 });

/**
 * Makes one call that leaves the process: named crash points around it, a timeout in wall milliseconds, the caller's
 * abort, secrets taken out of what it throws, and a log line with its time. The name says service and action:
 * "rds.PromoteReadReplica". `work` gets the signal and must hand it on; the promise settles at the timeout even when `work`
 * does not listen. The target's circuit breaker learns how it went; Muster's own database has none, because nothing can be
 * done without it.
 *
 * @throws NotTried when it can wait and its target is in trouble, CallTimedOut when no answer came in time, the signal's
 * reason when the caller gave up, else what `work` throws.
 */
export function call<T>(
  ctx: CallContext,
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
  options: Targeted = {},
): Promise<T> {
  const target = options.target ?? name.slice(0, name.indexOf("."));
  const make = () => makeCall(ctx, name, work, { ...options, target });
  // A call that nobody's work asks for (a watch's, a renewal's) would be a trace of its own, each second.
  if (target === "db" || !isTraced()) return make();
  return inSpan(name, { attributes: { "muster.target": target }, kind: "out", redact: ctx.redact }, make);
}

async function makeCall<T>(
  ctx: CallContext,
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
  { target, ...options }: CallOptions & { target: string },
): Promise<T> {
  const milliseconds = options.timeoutMs ?? ctx.callTimeoutMs;
  const breakers = target === "db" ? undefined : ctx.breakers;
  if (ctx.canWait) spare(ctx, target);
  await ctx.point(`before ${name}`);
  options.signal?.throwIfAborted();
  const startedAt = performance.now();
  // Before anybody keeps it: the breaker remembers why.
  const clean = (error: unknown) => Promise.reject(rewordError(error, ctx.redact));
  const ask = () => inTime(name, milliseconds, work, options.signal).catch(clean);
  const gaveUp = () => options.signal?.aborted ?? false;
  const result = await ctx.activity
    .during(() => (breakers ? breakers.through(target, ask, gaveUp) : ask()))
    .then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
  const endedAt = performance.now();
  const took = Math.round(endedAt - startedAt);
  // Muster's own database is Muster's own time.
  if (!name.startsWith("db.")) ctx.activity.onSpan?.("call", name, startedAt, endedAt);
  const outcome = "error" in result ? outcomeOf(ctx, result.error, gaveUp()) : "ok";
  ctx.meters?.call(target, outcome, (endedAt - startedAt) / 1000);
  if ("error" in result) {
    ctx.log.debug({ call: name, ms: took, failed: messageOf(result.error) }, "call failed");
    await ctx.point(`after ${name}`);
    throw result.error;
  }
  ctx.log.debug({ call: name, ms: took }, "call");
  await ctx.point(`after ${name}`);
  return result.value;
}

function spare({ breakers, meters }: CallContext, target: string): void {
  try {
    breakers?.spare(target);
  } catch (error) {
    meters?.call(target, "not-tried", 0);
    throw error;
  }
}

function outcomeOf({ breakers }: CallContext, error: unknown, gaveUp: boolean): CallOutcome {
  if (gaveUp) return "given-up";
  return breakers?.isTrouble(error) ? "trouble" : "refused";
}

async function inTime<T>(
  name: string,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  outer: AbortSignal | undefined,
): Promise<T> {
  const controller = new AbortController();
  const { promise: gaveUp, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => giveUp(new CallTimedOut(name, milliseconds)), milliseconds);
  const abort = () => giveUp(outer?.reason);
  const giveUp = (reason: unknown) => {
    reject(reason);
    controller.abort(reason);
  };
  outer?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work(controller.signal), gaveUp]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  }
}
