import { isUnknown } from "../../src/engine/step.ts";
import type { Outcome } from "../../src/engine/events.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { isOpen, isOver, isPassed, type RunView, type StepView } from "../../src/engine/view.ts";
import { stillToAnswer } from "../../src/engine/who-answers.ts";
import { keepsData, type FactsWithDatabase, type FailoverFacts } from "../../src/facts/failover.ts";
import { seen } from "../../src/facts/fact.ts";
import { capital } from "../../src/spelling.ts";
import { promotionSteps } from "../../src/steps/promotions.ts";
import { stillPaused } from "./gitops.ts";
import { leftChanged } from "./left-changed.ts";
import { promotionOf } from "./promotion.ts";
import { stepOf } from "./step-of.ts";

/** What became of an old side that could not be fenced at first, and answered again. */
export type Fenced = {
  runId: string;
  /** When the fence was seen to hold; ISO. */
  at: string | null;
  /** How its run ended; null while it is under way. */
  outcome: Outcome | null;
  /** Who said that the run is to end without its goal. */
  stoppedBy: string | null;
  rowsLeftBehind: number | null;
};

/** Says what is still open after a failover, and who holds the next action; sentences. Pure. */
export function whatNow(plan: Plan, view: RunView, facts: FailoverFacts, refence?: Fenced): string[] {
  const ofData = keepsData(facts)
    ? [...protection(plan, view, facts), ...fence(plan, view, facts, refence), ...unchecked(plan, view)]
    : oldPods(view, facts);
  // Past its promotion the new side serves, and what was changed is as it should be there.
  const left = mayBePromoted(view) ? [] : leftChanged(view);
  return [...nextAction(plan, view), ...ofData, ...left, ...stillPaused(view)];
}

function nextAction(plan: Plan, view: RunView): string[] {
  // What goes back is asked nothing any more, and parks where it cannot be taken back.
  const open = [...view.steps.values()].filter((step) => isOpen(view, step));
  const who = plan.approvers.join(", ");
  if (view.ended) return [];
  if (view.heldBy) return [`${view.heldBy} holds the run; one of ${who} presses Resume.`];
  return open.flatMap((step) => {
    const { parked, asked, node } = step;
    if (parked) return [`Parked at "${node.title}": ${parked.because}. One of ${who} decides.`];
    return asked ? [[`A question is open: ${asked.question}`, ...whoAnswers(plan, view, step)].join(" ")] : [];
  });
}

/** Whose answer still counts, and how many of them it takes. */
function whoAnswers(plan: Plan, view: RunView, step: StepView): string[] {
  const names = stillToAnswer(plan, view, step);
  const missing = (step.asked?.needed ?? 1) - step.answers.length;
  if (names.length === 0 || missing < 1) return [];
  if (names.length <= missing) return [`${names.join(" and ")} ${names.length === 1 ? "answers" : "answer"} it.`];
  return [missing === 1 ? `One of ${names.join(", ")} answers it.` : `Two of ${names.join(", ")} answer it.`];
}

/** Whoever decides about a run holds what is still open after it. */
const whoHolds = ({ approvers }: Plan): string =>
  approvers.length === 1 ? `${approvers[0]}` : `One of ${approvers.join(", ")}`;

function protection(plan: Plan, view: RunView, facts: FactsWithDatabase): string[] {
  const promotion = promotionOf(view);
  if (!promotion) return [];
  const { at: since, change } = promotion;
  const writer = seen(facts.to.instance)?.id ?? "the new writer";
  const old = facts.from.known?.id ?? `the database in ${facts.fromRegion}`;
  if (change === "switchover")
    return [`${old} follows ${writer} from now on, as a secondary of the same global cluster.`];
  if (change === "failover") {
    return [
      `UNPROTECTED since ${since.toISOString().slice(0, 19)}Z: ${writer} has no secondary. RDS makes one of ${old} once ${facts.fromRegion} is back. ${whoHolds(plan)} looks that it does.`,
    ];
  }
  return [
    `UNPROTECTED since ${since.toISOString().slice(0, 19)}Z: ${writer} has no replica. ${whoHolds(plan)} builds one, in ${facts.fromRegion} once it is back.`,
  ];
}

function fence(plan: Plan, view: RunView, facts: FactsWithDatabase, refence: Fenced | undefined): string[] {
  const fenced = stepOf(view, "fence-writes");
  const old = facts.from.known?.id ?? `the old writer in ${facts.fromRegion}`;
  if (!fenced || !isOver(fenced) || fenced.undone) return [];
  if (!fenced.waived && !isUnknown(fenced.done?.result)) {
    return view.ended && !mayBePromoted(view)
      ? [
          `${old} is fenced, and nothing was promoted: no database takes writes of ${facts.service}. ${whoHolds(plan)} gives the application's role its login back there ("alter role ... login"), or promotes the other.`,
        ]
      : [`${old} is fenced.`];
  }
  if (refence) return [refenced(plan, old, refence)];
  const why = fenced.waived ? `${fenced.waived.by.join(" and ")} waived it` : "it was out of reach";
  if (mayBePromoted(view))
    return [`${old} is not fenced: ${why}. Muster looks for it, and fences it as soon as it answers.`];
  return [
    view.ended || view.turnedBack?.services.has(fenced.node.service)
      ? `${old} was not fenced (${why}), and nothing was promoted: it stays the writer, and Muster does not fence it any more.`
      : `${old} is not fenced: ${why}. Once its replica is promoted, Muster looks for it, and fences it as soon as it answers.`,
  ];
}

/** Whether a promotion was asked for: from then on the old writer is looked for, and fenced. */
const mayBePromoted = (view: RunView): boolean =>
  promotionSteps.some((name) => {
    const promotion = stepOf(view, name);
    return promotion !== undefined && isPassed(promotion);
  });

function refenced({ approvers }: Plan, old: string, { runId, at, outcome, stoppedBy }: Fenced): string {
  const who = approvers.join(", ");
  if (at) return `${old} came back, and was fenced by run ${runId} at ${at.slice(0, 19)}Z.`;
  if (outcome === null) return `${old} came back; run ${runId} fences it.`;
  if (outcome === "done")
    return `${old} came back, and is not shown to be fenced: the fence of run ${runId} was waived. One of ${who} sees that nobody writes there.`;
  const open = `${old} came back, and is not fenced:`;
  return stoppedBy === null
    ? `${open} run ${runId} ended without it. Muster looks for it again, and fences it as soon as it answers.`
    : `${open} ${stoppedBy} stopped run ${runId}, and Muster starts no other. One of ${who} takes the application's role its right to log in there and ends its sessions, or stops the server.`;
}

/** Without data there is no second writer to fear, and nothing to be built before the way back. */
function oldPods(view: RunView, { service, fromRegion, pods }: FailoverFacts): string[] {
  if (view.ended?.outcome !== "done") return [];
  const left = pods.filter(({ side }) => side === "from").map(({ deployment }) => deployment.region);
  return [
    `The pods of ${service} in ${[...new Set(left)].join(" and ")} were left as they are: they keep no data and do no harm. /failover ${fromRegion} ${service} moves it back.`,
  ];
}

/** Says what the database's check could not tell: a green check must not be read as more than it was. */
function unchecked(plan: Plan, view: RunView): string[] {
  const result = stepOf(view, "verify-database")?.done?.result as { notCompared?: string | null } | undefined;
  const sentence = result?.notCompared;
  return sentence ? [`${capital(sentence)}. ${whoHolds(plan)} looks whether all is there.`] : [];
}
