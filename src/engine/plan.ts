import { createHash } from "node:crypto";
import type { Announcement } from "./announce.ts";
import type { BrokenGlass } from "./break-glass.ts";
import type { Gate, Json, StepFor } from "./step.ts";

/** One step of a plan: everything it will do is in its input. */
export type PlanNode = {
  /** `<service>/<step>`. */
  id: string;
  service: string;
  step: string;
  kind: "step" | "gate";
  /** What it does, for the card and the thread. */
  title: string;
  input: Json;
  /** Ids of the nodes that must be done first. */
  after: string[];
  /** Ids of the nodes whose results it is given. */
  reads: string[];
  /** Set where there is no way back: why. */
  oneWay?: string;
  /** True where it changes the world. */
  changes: boolean;
  /** How many must answer a gate; with 2, the requester does not count. */
  needed?: 1 | 2;
  /** Who has said yes to a gate's question already, whatever it will be: it is told, and not asked. */
  answeredBy?: string;
};

/** One of the few facts a plan stands on. */
export type Claim = {
  id: string;
  /** What it says, so that "no longer true: ..." reads as a sentence. */
  sentence: string;
  /** What the job compares when it looks again. */
  value: Json;
};

export type Plan = {
  job: string;
  title: string;
  input: Json;
  /** Topological order: nobody stands before what it waits for. */
  nodes: PlanNode[];
  /** What nobody else may run on at the same time: services, or "db:<instance>" for a refence. */
  locks: string[];
  claims: Claim[];
  /** Who may decide about this run, by name. */
  approvers: string[];
  /** How many must approve; the requester is not among them, unless that rule is broken. */
  needed: number;
  /** Why it may not be approved at all (the control plane is down): then the card has no Approve. */
  blockers: string[];
  /** Things to be read before approving, most frightening first. */
  warnings: string[];
  /** What was asked for with the rest and stays as it is, by service, and why (a clause without its full stop). */
  left?: { service: string; because: string }[];
  /** Rules that do not hold for this run, and who broke them. */
  breakGlass?: BrokenGlass;
  /**
   * What it means to end this run without its goal, as a sentence without a full stop; where it is left out, what was changed is
   * taken back. Plans of the release before have none.
   */
  stopping?: string;
  /** What others than those who work on it are told, and when. */
  announcements?: Announcement[];
};

/** Builds a node from a step or gate. The compiler checks that the input fits the step. */
export function use<Input>(
  definition: StepFor<Input> | Gate<Input>,
  service: string,
  input: NoInfer<Input>,
  { after = [], reads = [] }: { after?: (PlanNode | undefined)[]; reads?: PlanNode[] } = {},
): PlanNode {
  const common = {
    id: `${service}/${definition.name}`,
    service,
    step: definition.name,
    title: definition.title(input),
    input: input as Json,
    after: [...after.filter((node) => node !== undefined), ...reads].map((node) => node.id).filter(unique),
    reads: reads.map((node) => node.id),
  };
  if (definition.kind === "gate") return { ...common, kind: "gate", changes: false, needed: definition.needed };
  return {
    ...common,
    kind: "step",
    changes: definition.apply !== undefined,
    ...("oneWay" in definition.undo ? { oneWay: definition.undo.oneWay } : {}),
  };
}

const unique = (value: string, index: number, all: string[]) => all.indexOf(value) === index;

/**
 * Sorts nodes so that each follows what it waits for, and proves that it can be done.
 * @throws Error when an id stands twice, waits for one that is not there, or the graph has a cycle: a fault of the job.
 */
export function inOrder(nodes: PlanNode[]): PlanNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  if (byId.size !== nodes.length) throw new Error("a step id stands twice in the plan");
  const sorted: PlanNode[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (id: string) => {
    const node = byId.get(id);
    if (!node) throw new Error(`the plan waits for "${id}", which is not in it`);
    if (state.get(id) === "done") return;
    if (state.get(id) === "open") throw new Error(`the plan has a cycle through "${id}"`);
    state.set(id, "open");
    for (const before of node.after) visit(before);
    state.set(id, "done");
    sorted.push(node);
  };
  for (const node of nodes) visit(node.id);
  return sorted;
}

/** Hashes a plan with the facts it was made from: what people approve is bound to this. */
export function hashPlan(plan: Plan, facts: Json): string {
  return createHash("sha256")
    .update(canonical({ plan: plan as unknown as Json, facts }))
    .digest("hex");
}

/** Writes JSON with sorted keys, so that equal values have equal text. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  entries.sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonical(child as Json)}`).join(",")}}`;
}
