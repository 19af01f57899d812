import { absorb } from "../../src/engine/absorb.ts";
import type { BreakableRule } from "../../src/engine/break-glass.ts";
import { decide, standing } from "../../src/engine/decide.ts";
import type { EventBody, JournalEvent, Signal, Verb } from "../../src/engine/events.ts";
import { judge, judgeUndo, type Limits, type Look } from "../../src/engine/judge.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import { fold } from "../../src/engine/fold.ts";
import { isOver, mustGoBack, pastReturn, type RunView } from "../../src/engine/view.ts";
import { checkDecisions } from "./decisions.ts";
import { plan, planInWaves } from "./simulation-plans.ts";

export const people = ["ana", "ben", "cleo", "mallory"] as const;
export const verbs: readonly Verb[] = [
  "approve",
  "decline",
  "hold",
  "resume",
  "continue",
  "waive",
  "undo",
  "cancel",
  "abandon",
];

const settleSeconds = 60;
const limits: Limits = {
  patienceSeconds: 300,
  settleSeconds,
  pollSeconds: 5,
  applies: true,
  acceptsUnknown: false,
  held: false,
};

type SimulationOptions = {
  breaks?: "order" | "settle";
  rules?: BreakableRule[];
  /** Moves two services, and a third one behind them. */
  waves?: boolean;
};

/** A run, its journal and its world in memory, driven the way drive.ts drives: the pure functions are the real ones. */
export class Simulation {
  readonly plan: Plan;
  readonly journal: JournalEvent[] = [];
  readonly signals: Signal[] = [];
  /** What the world is like, and since when a change of it can be seen. */
  readonly world = new Map<string, { on: boolean; visibleAt: number; was: boolean }>();
  /** Changes that were made to a world that was so already. */
  readonly doubled = new Set<string>();
  #now = Date.UTC(2026, 10, 23);
  readonly #breaks: "order" | "settle" | undefined;
  readonly #limits: Limits;

  constructor({ breaks, rules = [], waves }: SimulationOptions = {}) {
    this.plan = waves ? planInWaves() : plan(rules);
    this.#breaks = breaks;
    this.#limits = breaks === "settle" ? { ...limits, settleSeconds: 5 } : limits;
    this.#write({ kind: "proposed", by: "ana", planHash: "hash" });
  }

  view = (): RunView => fold(this.plan, this.journal);

  signal(verb: Verb, by: string, step?: string): void {
    const seq = this.signals.length + 1;
    this.signals.push({ seq, verb, by, at: new Date(this.#now), planHash: "hash", ...(step ? { step } : {}) });
  }

  approve(): void {
    this.signal("approve", "ben");
    this.signal("approve", "cleo");
  }

  pass(seconds: number): void {
    this.#now += seconds * 1000;
  }

  revert(id: string): void {
    this.world.delete(id);
  }

  /** One worker's turn: absorbs, decides and does, until nothing is due now. Faults are met one by one. */
  wake(faults: readonly string[]): void {
    const left = [...faults];
    for (let round = 0; round < 60; round += 1) {
      this.#absorb();
      const view = this.view();
      const decision = decide(this.plan, view, new Date(this.#now), () => "go on?");
      if (this.#breaks === "order" && view.startedAt) decision.start.push(this.#node("shop/promote"));
      for (const event of decision.write) this.#write(event);
      if (decision.checkClaims) this.#write({ kind: "started" });
      if (decision.final) {
        this.#write({ kind: "ended", ...decision.final });
        return;
      }
      let moved = decision.write.length > 0 || decision.checkClaims;
      for (const node of decision.start) {
        const went = this.#advance(node, left.shift() ?? "none");
        if (went === "crashed") return;
        moved ||= went;
      }
      for (const node of decision.undo) {
        const went = this.#goBack(node, left.shift() ?? "none");
        if (went === "crashed") return;
        moved ||= went;
      }
      if (!moved) return;
    }
    throw new Error("a worker never came to rest");
  }

  /** From here on nothing fails, people say yes, and time passes: the run must end. */
  finishKindly(): void {
    for (let round = 0; round < 80 && !this.view().ended; round += 1) {
      const view = this.view();
      if (!view.startedAt) this.approve();
      if (view.heldBy) this.signal("resume", "ben");
      for (const step of view.steps.values()) {
        if (step.parked) this.signal("continue", "ben", step.node.id);
        else if (step.asked && !isOver(step))
          for (const by of ["ben", "cleo"]) this.signal("approve", by, step.node.id);
      }
      this.wake([]);
      this.pass(61);
    }
  }

  checkInvariants(): void {
    const view = this.view();
    const answered = this.journal.flatMap((event) =>
      "signal" in event ? [`${event.signal} ${"step" in event ? event.step : ""} ${event.kind}`] : [],
    );
    if (new Set(answered).size !== answered.length) throw new Error("a signal took effect twice");
    checkDecisions(this.plan, view);
    if (view.voided && view.startedAt) throw new Error("a void plan was started");
    this.#checkOrder();
    const past = pastReturn(view);
    for (const service of past) {
      const oneWay = this.journal.findIndex((event) => event.kind === "intent" && event.step === `${service}/promote`);
      const back = this.journal.findLastIndex(
        (event) => event.kind === "undo-intent" && this.#node(event.step).service === service,
      );
      if (back > oneWay) throw new Error("something was undone after the point of no return");
    }
    if (view.ended?.outcome === "cancelled") {
      const left = [...this.world].find(([id, { on }]) => on && !past.has(this.#node(id).service));
      if (left) throw new Error(`the run ended as undone, and "${left[0]}" is still on`);
    }
    this.#checkEnd(view, past);
    for (const target of this.doubled)
      throw new Error(`the change of "${target}" was made though it had been made already`);
    if (
      view.startedAt &&
      !view.ended &&
      standing(view) === "parked" &&
      ![...view.steps.values()].some((step) => step.parked)
    ) {
      throw new Error("a parked run does not say where");
    }
  }

  /** Once everything that was turned back is undone, and everything else is through, nothing keeps its locks. */
  #checkEnd(view: RunView, past: ReadonlySet<string>): void {
    if (!view.turnedBack || view.ended) return;
    const left = [...view.steps.values()].some((step) =>
      past.has(step.node.service) ? !isOver(step) : mustGoBack(step),
    );
    if (!left) throw new Error("a run that was turned back has nothing left to do, and does not end");
  }

  #checkOrder(): void {
    const over = new Set<string>();
    let started = false;
    for (const event of this.journal) {
      if (event.kind === "started") started = true;
      if (event.kind === "done" || event.kind === "waived") over.add(event.step);
      if (event.kind !== "intent") continue;
      if (!started) throw new Error("something was changed before the run started");
      for (const id of this.#node(event.step).after) {
        if (!over.has(id)) throw new Error(`"${event.step}" was tried before "${id}" was over`);
      }
    }
  }

  #advance(node: PlanNode, fault: string): boolean | "crashed" {
    const record = this.view().steps.get(node.id);
    if (!record) throw new Error("no such step");
    const first = record.firstLookAt === undefined;
    if (first) this.#write({ kind: "first-look", step: node.id });
    const verdict = judge(
      this.#look(node, fault),
      this.view().steps.get(node.id) ?? record,
      { ...this.#limits, applies: node.changes, held: this.view().heldBy !== undefined },
      new Date(this.#now),
    );
    switch (verdict.next) {
      case "move-on":
        this.#write({ kind: "done", step: node.id, result: { on: true } });
        return true;
      case "park":
        this.#write({ kind: "parked", step: node.id, because: verdict.because });
        return true;
      case "apply": {
        this.#write({ kind: "intent", step: node.id, attempt: verdict.attempt, before: { on: false } });
        if (fault === "crash-before") return "crashed";
        if (fault === "refused") {
          this.#write({ kind: "call-failed", step: node.id, attempt: verdict.attempt, error: "403", noEffect: true });
          return true;
        }
        if (fault === "before") {
          this.#write({ kind: "call-failed", step: node.id, attempt: verdict.attempt, error: "503", noEffect: false });
          return true;
        }
        this.#set(node.id, true);
        if (fault === "crash-after") return "crashed";
        if (fault === "after")
          this.#write({ kind: "call-failed", step: node.id, attempt: verdict.attempt, error: "504", noEffect: false });
        else this.#write({ kind: "applied", step: node.id, attempt: verdict.attempt });
        return true;
      }
      case "look-again":
      case "accept-unknown":
        return first;
    }
  }

  #goBack(node: PlanNode, fault: string): boolean | "crashed" {
    const record = this.view().steps.get(node.id);
    if (!record) throw new Error("no such step");
    const seen = this.#look(node, fault);
    const look: Look =
      "unknown" in seen ? seen : { missing: seen.missing === undefined ? "it is still on" : undefined };
    const verdict = judgeUndo(look, record, this.#limits, new Date(this.#now));
    switch (verdict.next) {
      case "move-on":
        this.#write({ kind: "undone", step: node.id });
        return true;
      case "park":
        this.#write({ kind: "parked", step: node.id, because: verdict.because });
        return true;
      case "apply":
        this.#write({ kind: "undo-intent", step: node.id, attempt: verdict.attempt });
        if (fault === "crash-before") return "crashed";
        this.#set(node.id, false);
        if (fault === "crash-after") return "crashed";
        this.#write({ kind: "undo-applied", step: node.id, attempt: verdict.attempt });
        return true;
      case "look-again":
      case "accept-unknown":
        return false;
    }
  }

  /** A look at the world, which may lag behind a change by half the settle time. */
  #look(node: PlanNode, fault: string): Look {
    if (fault === "unseen" || fault === "look-fails") return { unknown: "the network is away" };
    if (node.step === "start-wave") {
      const moving = ["shop", "till"].some((service) => !this.view().steps.get(`${service}/shift`)?.done);
      return { missing: moving ? "wave 1 is on its way" : undefined, onlyTime: true };
    }
    if (!node.changes) return { missing: undefined };
    const thing = this.world.get(node.id);
    const on = thing ? (this.#now >= thing.visibleAt ? thing.on : thing.was) : false;
    return { missing: on ? undefined : "it is off" };
  }

  #set(id: string, on: boolean): void {
    const was = this.world.get(id)?.on ?? false;
    if (was === on) this.doubled.add(`${id} ${on ? "on" : "off"}`);
    this.world.set(id, { on, was, visibleAt: this.#now + (settleSeconds / 2) * 1000 });
  }

  #absorb(): void {
    for (const signal of this.signals) {
      const view = this.view();
      if (signal.seq <= view.lastSignal) continue;
      for (const event of absorb(this.plan, view, signal)) this.#write(event);
    }
  }

  #node(id: string): PlanNode {
    const node = this.plan.nodes.find((candidate) => candidate.id === id);
    if (!node) throw new Error(`the plan has no "${id}"`);
    return node;
  }

  #write(event: EventBody): void {
    this.journal.push({ ...event, seq: this.journal.length + 1, epoch: 1, at: new Date(this.#now) });
  }
}
