import { call } from "../../src/call.ts";
import type { Clock } from "../../src/clock.ts";
import { CannotContinue } from "../../src/errors.ts";
import { gate, step, unknown, type AnyGate, type AnyStep, type StepContext } from "../../src/engine/step.ts";

type Target = { key: string; value: number };
type Change = { key: string; value: number; at: Date; epoch: number };

/** A world so small that its effects can be counted: keys with numbers, an API that errs, and reads that lag. */
export class World {
  readonly changes: Change[] = [];
  /** Tried after the epoch was over: a target without a guard takes even these. */
  readonly clock: Clock;
  readonly random: () => number;
  errorRate = 0;
  readLagSeconds = 0;
  /** What the world says instead of working, by key. */
  readonly refuses = new Map<string, string>();
  readonly hidden = new Set<string>();
  readonly slowMs = new Map<string, number>();

  constructor(clock: Clock, random: () => number) {
    this.clock = clock;
    this.random = random;
  }

  effects(key: string): number {
    return this.changes.filter((change) => change.key === key).length;
  }

  value(key: string): number {
    return this.changes.findLast((change) => change.key === key)?.value ?? 0;
  }

  async get(ctx: StepContext, key: string): Promise<number> {
    return call(ctx, "world.Get", async () => {
      await Promise.resolve();
      if (this.random() < this.errorRate) throw new Error("world answers 503");
      const seenAt = this.clock.now().getTime() - this.readLagSeconds * 1000;
      return this.changes.findLast((change) => change.key === key && change.at.getTime() <= seenAt)?.value ?? 0;
    });
  }

  async set(ctx: StepContext, { key, value }: Target): Promise<void> {
    await call(
      ctx,
      "world.Set",
      async (signal) => {
        const refusal = this.refuses.get(key);
        if (refusal !== undefined)
          throw new CannotContinue({ happened: refusal, means: "Nothing was changed.", todo: "Allow it." });
        const chance = this.random();
        if (chance < this.errorRate / 2) throw new Error("world answers 503");
        await new Promise((resolve) => setTimeout(resolve, this.slowMs.get(key) ?? 0));
        signal.throwIfAborted();
        this.changes.push({ key, value, at: this.clock.now(), epoch: ctx.epoch });
        if (chance < this.errorRate) throw new Error("world answers 503, too late");
      },
      { signal: ctx.signal },
    );
  }

  /** Steps over this world; the settle window is longer than its lag. */
  steps(): Map<string, AnyStep | AnyGate> {
    const limits = { patienceSeconds: 600, settleSeconds: 12, pollSeconds: 1 };
    const change = (name: string, oneWay?: string) =>
      step<Target, number>({
        name,
        title: ({ key, value }) => `set ${key} to ${value}`,
        observe: async (ctx, { key }) => (this.hidden.has(key) ? unknown(`${key} is hidden`) : this.get(ctx, key)),
        missing: (seen, { key, value }) => (seen === value ? undefined : `${key} is ${seen}, not ${value}`),
        apply: (ctx, target) => this.set(ctx, target),
        undo: oneWay
          ? { oneWay }
          : {
              apply: (ctx, { key }, { before }) => this.set(ctx, { key, value: before }),
              missing: (seen, before, { key }) => (seen === before ? undefined : `${key} is ${seen}, not ${before}`),
            },
        acceptsUnknown: ({ key }) => key.startsWith("hidden"),
        ...limits,
      });
    const list = [
      change("set"),
      change("set-next"),
      change("set-last"),
      change("burn", "burnt is burnt"),
      step<{ seconds: number }, { since: number }>({
        name: "wait",
        title: ({ seconds }) => `wait ${seconds} seconds`,
        observe: () => Promise.resolve({ since: this.clock.now().getTime() }),
        missing: ({ since }, { seconds }) =>
          since >= this.waitFrom + seconds * 1000 ? undefined : "it is not time yet",
        undo: { nothing: "time passes" },
        patienceSeconds: 1e6,
        settleSeconds: 0,
        pollSeconds: 60,
      }),
      gate<{ risk: string }>({
        name: "ask",
        title: ({ risk }) => `accept ${risk}`,
        question: ({ risk }) => (risk ? `Accept ${risk}?` : undefined),
        needed: 2,
      }),
    ];
    return new Map(list.map((one) => [one.name, one as AnyStep | AnyGate]));
  }

  /** When the waits of this world began. */
  waitFrom = 0;
}
