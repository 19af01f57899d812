import type { PlanNode } from "./plan.ts";
import type { CameBack } from "./pursue.ts";

export type Way = "forward" | "back";

type Loop = {
  node: PlanNode;
  way: Way;
  halt: AbortController;
  /** Of the change that may be under way; another after each hold. */
  unwanted: AbortController;
  ended: Promise<void>;
};

/** What a loop hears of the run while it goes on. */
export type Heard = { halt: AbortSignal; unwanted: () => AbortSignal };

/** A step's loop was told to stop: it is no longer wanted, or the process stops. */
class Halted extends Error {}

/** A change was taken back before anything of it was sent. */
class Withdrawn extends Error {
  constructor() {
    super("nothing was sent: people stopped it before that");
  }
}

const idsOf = (nodes: readonly PlanNode[]): Set<string> => new Set(nodes.map(({ id }) => id));

/** The loops of one run's steps that go on side by side, at most one for each step. */
export class Going {
  #loops = new Map<string, Loop>();
  /** Steps that have long to wait, and until when. */
  #later = new Map<string, { way: Way; at: Date }>();
  #failure: { error: unknown } | undefined;
  readonly #settled: () => void;

  /** `settled` is called as each loop ends. */
  constructor(settled: () => void) {
    this.#settled = settled;
  }

  get size(): number {
    return this.#loops.size;
  }

  /** When the first of those that wait is due. */
  get nextDue(): Date | undefined {
    return [...this.#later.values()].map(({ at }) => at).toSorted((a, b) => a.getTime() - b.getTime())[0];
  }

  /** Starts a step's loop, unless one goes on for it, or it waits for a time that has not come. */
  start(node: PlanNode, way: Way, now: Date, loop: (heard: Heard) => Promise<CameBack>): void {
    const waits = this.#later.get(node.id);
    if (this.#loops.has(node.id) || (waits?.way === way && waits.at > now)) return;
    this.#later.delete(node.id);
    const ears = { halt: new AbortController(), unwanted: new AbortController() };
    const ended = loop({ halt: ears.halt.signal, unwanted: () => ears.unwanted.signal })
      .then(
        (cameBack) => {
          if (cameBack.kind === "later") this.#later.set(node.id, { way, at: cameBack.at });
        },
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => {
        this.#loops.delete(node.id);
        this.#settled();
      });
    this.#loops.set(node.id, Object.assign(ears, { node, way, ended }));
  }

  /** Tells the loops that are no longer wanted to stop at their next safe point. */
  haltAllBut(forward: PlanNode[], back: PlanNode[]): void {
    const wanted = { forward: idsOf(forward), back: idsOf(back) };
    const isWanted = ({ node, way }: { node: { id: string }; way: Way }) => wanted[way].has(node.id);
    for (const loop of this.#loops.values()) {
      if (isWanted(loop)) continue;
      loop.halt.abort(new Halted());
      loop.unwanted.abort(new Withdrawn());
    }
    for (const [id, { way }] of this.#later) if (!isWanted({ node: { id }, way })) this.#later.delete(id);
  }

  /** Lets changes on the way forward leave off that have sent nothing yet: the run is held. Their loops go on, and look. */
  withdrawChanges(): void {
    for (const loop of this.#loops.values()) {
      if (loop.way === "back") continue;
      loop.unwanted.abort(new Withdrawn());
      loop.unwanted = new AbortController();
    }
  }

  /** Stops every loop at its next safe point and waits until each has ended; a call under way is waited for. */
  async haltAll(): Promise<void> {
    this.haltAllBut([], []);
    while (this.#loops.size > 0) await Promise.all([...this.#loops.values()].map((loop) => loop.ended));
  }

  /** Throws the first error that no step could turn into a sentence, if there was one. */
  throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Lets everything that waits look again: somebody said something. */
  forgetWaits(): void {
    this.#later.clear();
  }
}
