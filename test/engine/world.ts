import { call } from "../../src/call.ts";
import type { Clock } from "../../src/clock.ts";
import { CannotContinue } from "../../src/errors.ts";
import { use, type PlanNode } from "../../src/engine/plan.ts";
import {
  gate,
  step,
  type AnyGate,
  type AnyStep,
  type Gate,
  type Step,
  type StepContext,
} from "../../src/engine/step.ts";

type Target = { key: string; value: number };
type Change = { key: string; value: number; at: Date; epoch: number };

/** A world so small that its effects can be counted: keys with numbers, an API that errs, and reads that lag. */
export class World {
  readonly changes: Change[] = [];
  readonly clock: Clock;
  readonly random: () => number;
  /** Part of the ids of this world's steps, and its lock. */
  readonly service = crypto.randomUUID().slice(0, 8);
  errorRate = 0;
  readLagSeconds = 0;
  /** What the world says instead of working, by key. */
  readonly refuses = new Map<string, string>();
  readonly slowMs = new Map<string, number>();
  /** What a change waits for, by key: whoever wants to be there while it is under way must not hurry. */
  readonly waitsFor = new Map<string, Promise<void>>();
  /** For whom whoever looked at it asked. */
  readonly askedFor = new Set<StepContext["onBehalfOf"]>();
  readonly #steps = new Map<string, AnyStep | AnyGate>();

  constructor(clock: Clock, random: () => number = Math.random) {
    this.clock = clock;
    this.random = random;
    for (const one of this.#list()) this.#steps.set(one.name, one);
  }

  allEffects(): number[] {
    return ["a", "b", "c"].map((key) => this.effects(key));
  }

  /** Three changes, one after another. */
  chain(names: string[] = ["set", "set-next", "set-last"]): PlanNode[] {
    const nodes: PlanNode[] = [];
    names.forEach((name, index) => {
      const change = this.#steps.get(name) as unknown as Step<Target, never>;
      const key = ["a", "b", "c"][index] ?? "d";
      nodes.push(use(change, this.service, { key, value: 7 }, { after: nodes.slice(-1) }));
    });
    return nodes;
  }

  gate(risk: string, after: PlanNode[]): PlanNode {
    return use(this.#steps.get("ask") as unknown as Gate<{ risk: string }>, this.service, { risk }, { after });
  }

  effects(key: string): number {
    return this.changes.filter((change) => change.key === key).length;
  }

  value(key: string): number {
    return this.changes.findLast((change) => change.key === key)?.value ?? 0;
  }

  async get(ctx: StepContext, key: string): Promise<number> {
    this.askedFor.add(ctx.onBehalfOf);
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
        await this.waitsFor.get(key);
        signal.throwIfAborted();
        this.changes.push({ key, value, at: this.clock.now(), epoch: ctx.epoch });
        if (chance < this.errorRate) throw new Error("world answers 503, too late");
      },
      { signal: ctx.signal },
    );
  }

  steps(): ReadonlyMap<string, AnyStep | AnyGate> {
    return this.#steps;
  }

  /** Steps over this world; their settle window is longer than its lag may be. */
  #list() {
    const change = (name: string, oneWay?: string) =>
      step<Target, number>({
        name,
        title: ({ key, value }) => `set ${key} to ${value}`,
        observe: (ctx, { key }) => this.get(ctx, key),
        missing: (seen, { key, value }) => (seen === value ? undefined : `${key} is ${seen}, not ${value}`),
        apply: (ctx, target) => this.set(ctx, target),
        undo: oneWay
          ? { oneWay }
          : {
              apply: (ctx, { key }, { before }) => this.set(ctx, { key, value: before }),
              missing: (seen, before, { key }) => (seen === before ? undefined : `${key} is ${seen}, not ${before}`),
            },
        // Of clocks that run up to 200 seconds in one on the wall, where a busy machine may look in vain for a few.
        patienceSeconds: 10_000,
        settleSeconds: 12,
        pollSeconds: 1,
      });
    /** A change of many calls, with rests between them in which the process may stop. */
    const climb: Step<Target, number> = {
      ...change("climb"),
      apply: async (ctx, { key, value }) => {
        const rest = AbortSignal.any([ctx.signal, ctx.stopping]);
        for (let now = await this.get(ctx, key); now < value; now += 1) {
          ctx.stopping.throwIfAborted();
          await this.set(ctx, { key, value: now + 1 });
          await this.clock.sleep(10, rest);
        }
      },
    };
    /** A change that waits for company that never comes, and may be taken back until it would be sent. */
    const gather: Step<Target, number> = {
      ...change("gather"),
      apply: async (ctx, target) => {
        await this.clock.sleep(24 * 3600, ctx.unwanted);
        await this.set(ctx, target);
      },
    };
    return [
      climb,
      gather,
      change("set"),
      change("set-next"),
      change("set-last"),
      change("burn", "what is burnt is burnt"),
      gate<{ risk: string }>({
        name: "ask",
        title: ({ risk }) => `accept ${risk}`,
        question: ({ risk }) => (risk ? `Accept ${risk}?` : undefined),
        needed: 2,
      }),
    ];
  }
}
