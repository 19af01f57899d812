import { sql } from "kysely";
import type { Call, Command, Reply } from "../src/chat.ts";
import type { Context } from "../src/context.ts";
import { absorb, verbsOfSteps } from "../src/engine/absorb.ts";
import { meaningOf } from "../src/engine/accepted.ts";
import { standing } from "../src/engine/decide.ts";
import type { JournalEvent, Signal, Verb } from "../src/engine/events.ts";
import { loadJournal, type Run } from "../src/engine/journal.ts";
import { sendSignal, wasSaid } from "../src/engine/signals.ts";
import { fold } from "../src/engine/fold.ts";
import type { Plan } from "../src/engine/plan.ts";
import { spellTurn } from "../src/engine/turning-back.ts";
import { changedServices, type RunView } from "../src/engine/view.ts";
import { UserError } from "../src/errors.ts";
import { closest, readOptions, shorten } from "../src/options.ts";
import { useCode } from "../src/people/totp.ts";
import { findJob } from "../jobs/index.ts";
import { lookAgain } from "../jobs/propose/propose.ts";
import { tellReport } from "./run-report.ts";
import { showRun } from "./run-show.ts";

const usage =
  "/muster runs [list | (show | report | hold | resume | undo | cancel | abandon | look-again) <run> | (approve | decline | continue | waive) <run> [step]] [--code <code>] [--format <format>] [--out <file>]";

const verbs: readonly Verb[] = [
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
const ofSteps: readonly string[] = verbsOfSteps;
/** Verbs that count as a decision of a person who could be held responsible for it: in a terminal they need a code. */
const needCode: readonly string[] = ["approve", "waive"];

/** Lists runs, shows one, and says to one what a person decided. */
export const runs: Command = {
  name: "runs",
  usage,
  summary: "Lists runs, shows one, or says a decision to one. What a button says, this says too.",

  async run(ctx, call) {
    const all = { code: "text", format: "text", out: "text" } as const;
    const { positional, options } = readOptions(call.words, { known: all, positions: 3, usage });
    const [verb = "list", runId, step] = positional;
    const positions = { list: 1, show: 2, report: 2, "look-again": 2 }[verb] ?? 3;
    const known = verb === "report" ? ({ format: "text", out: "text" } as const) : ({ code: "text" } as const);
    readOptions<string>(call.words, { known, positions, usage });
    if (verb === "list") return list(ctx);
    if (![...verbs, "show", "report", "look-again"].includes(verb)) {
      throw new UserError({
        happened: `A run cannot be told to "${shorten(verb)}".${closest(verb, ["list", "show", "report", "look-again", ...verbs])}`,
        means: "Nothing was changed.",
        todo: `Type ${usage}.`,
      });
    }
    const run = await findRun(ctx, runId);
    if (verb === "show") return showRun(ctx, run, { newer: leftToNewer(ctx, run), place: call.place });
    if (verb === "report")
      return tellReport(ctx, call, { runId: run.id, format: textOf(options.format), out: textOf(options.out) });
    if (step !== undefined && !ofSteps.includes(verb)) throw aboutAll(ctx, run, verb, step);
    const stepId = step === undefined ? undefined : nodeId(run, step);
    const asksCode = call.place.kind === "terminal" && needCode.includes(verb);
    return press(ctx, {
      verb,
      runId: run.id,
      person: call.person.name,
      call,
      ...(stepId === undefined ? {} : { step: stepId }),
      ...(asksCode ? { confirm: () => useCode(ctx, call.person.name, textOf(options.code)) } : {}),
    });
  },
};

/** What to tell whoever names a step with a verb that is about all of a run. */
function aboutAll(ctx: Context, run: FoundRun, verb: string, step: string): UserError {
  const would = leftToNewer(ctx, run) === undefined ? whatWould(verb, run.plan, fold(run.plan, run.events)) : "";
  return new UserError({
    happened: `"${verb}" is about all of run ${run.id}, and never about one step of it such as "${shorten(step)}".`,
    means: `Nothing was changed.${would === "" ? "" : ` It would ${would}`}`,
    todo: `Type /muster runs ${verb} ${run.id} to say it to all of the run; to one step people say ${ofSteps.slice(0, -1).join(", ")} or ${ofSteps.at(-1)}.`,
  });
}

/** What a verb would do to a run as it stands, to finish a sentence; empty where it would be refused anyway. */
function whatWould(verb: string, plan: Plan, view: RunView): string {
  if (!view.startedAt || view.ended) return "";
  const many = changedServices(view).size;
  const all = many < 2 ? "all of it" : `all of its ${many} services`;
  if (verb === "hold") return `hold ${all}.`;
  if (verb === "resume") return `let ${all} go on.`;
  if (verb === "abandon") return `end the run for ${all} as failed, with everything left as it is now.`;
  return `end the run. ${spellTurn(plan, view)}`;
}

const textOf = (option: string | true | undefined): string | undefined =>
  typeof option === "string" ? option : undefined;

type FoundRun = Run & { events: JournalEvent[] };

async function loadRun(ctx: Context, id: string): Promise<FoundRun> {
  const loaded = await loadJournal(ctx.db, id);
  if (!loaded) throw new Error(`run ${id} is gone`);
  return { ...loaded.run, events: loaded.events };
}

export type Press = {
  verb: string;
  runId: string;
  step?: string;
  park?: number;
  planHash?: string;
  person: string;
  call: Pick<Call, "id" | "place">;
  /** Makes sure that it is this person, once the decision would count. @throws UserError when it is not. */
  confirm?: () => Promise<void>;
};

/** Says one decision to a run, and answers at once whether it counts. The run itself has the last word, in its thread. */
export async function press(
  ctx: Context,
  { verb, runId, step, park, planHash, person, call, confirm }: Press,
): Promise<Reply> {
  if (verb === "look-again") {
    const proposal = await lookAgain(ctx, runId, { by: person, callId: call.id, place: call.place });
    return { lines: [`Looked again: run ${proposal.runId}. Nothing has been changed yet.`], runId: proposal.runId };
  }
  const run = await findRun(ctx, runId);
  const signal = {
    verb: verb as Verb,
    by: person,
    planHash: planHash ?? run.planHash,
    ...(step === undefined ? {} : { step }),
    ...(park === undefined ? {} : { park }),
  };
  const newer = leftToNewer(ctx, run);
  const turns = newer === undefined && (verb === "undo" || verb === "cancel");
  let refused = newer === undefined ? whyRefused(ctx, run, signal) : undefined;
  if (refused === undefined) {
    await confirm?.();
    const sent = await sendSignal(ctx, runId, { ...signal, key: call.id });
    // It ended meanwhile, and hears nothing any more.
    if (sent !== "sent" && sent !== "known") refused = whyTooLate(await loadRun(ctx, runId), signal);
  }
  // A server that died once it had said this left its answer to another: by then the run may have heard it.
  if (refused !== undefined && !(await wasSaid(ctx, runId, call.id))) throw refused;
  await ctx.ring(runId);
  const noted = `Noted: ${person} says "${verb}" to ${step === undefined ? "" : `${step} of `}run ${runId}. Its thread tells what comes of it.`;
  const becomes = turns && refused === undefined ? [spellTurn(run.plan, fold(run.plan, run.events))] : [];
  return { lines: [noted, ...becomes, ...(newer === undefined ? [] : [newer])], runId };
}

/** Says who goes on with a run that this Muster cannot read to its end; undefined where it can. */
const leftToNewer = ({ engineVersion }: Context, run: Run): string | undefined =>
  run.engineVersion > engineVersion
    ? "A newer Muster has this run, and goes on with it; this one leaves it alone, and may not show all of it. Where none of the newer ones runs any more, start one."
    : undefined;

/** What to tell whoever decided something that does not count, as far as the run's journal tells by now. */
function whyRefused(ctx: Context, run: FoundRun, signal: Omit<Signal, "seq" | "at">): UserError | undefined {
  const view = fold(run.plan, run.events);
  // Whoever may decide was written into the plan; who has left the estate since then may not any more.
  const approvers = run.plan.approvers.filter((name) => findJob(run.job).approvers(ctx.estate).includes(name));
  const refused = absorb({ ...run.plan, approvers }, view, { ...signal, seq: 0, at: ctx.now() }).find(
    (event) => event.kind === "refused",
  );
  return !refused || meaningOf(refused) !== undefined ? undefined : refusal(run, signal, refused.because);
}

/** What to tell whoever decided something about a run that ended before it heard of it. */
function whyTooLate(run: FoundRun, signal: Pick<Signal, "verb">): UserError {
  const { ended } = fold(run.plan, run.events);
  return refusal(run, signal, `the run is over${ended ? ` (${ended.outcome})` : ""}`);
}

const refusal = ({ id }: Run, { verb }: Pick<Signal, "verb">, because: string): UserError =>
  new UserError({
    happened: `"${verb}" was refused: ${because}.`,
    means: "Nothing was changed.",
    todo: `Look at the run: /muster runs show ${id}.`,
  });

/** Finds a run by its id, or by its beginning where only one fits. @throws UserError when there is none, or several. */
export async function findRun(ctx: Context, id = ""): Promise<FoundRun> {
  const wrong = (happened: string) =>
    new UserError({ happened, means: "Nothing was changed.", todo: "Type /muster runs for the list." });
  // Every id begins with nothing: that names no run, not even where there is only one.
  if (id.trim() === "") throw wrong("No run was named.");
  const { rows } = await sql<{ id: string }>`
    select id from muster.run where id = ${id} or starts_with(id, ${id})
     order by id = ${id} desc, proposed_at desc limit 2`.execute(ctx.db);
  const exact = rows.find((row) => row.id === id) ?? (rows.length === 1 ? rows[0] : undefined);
  if (exact) return loadRun(ctx, exact.id);
  throw wrong(
    `There is ${rows.length === 0 ? "no run whose id is, or begins with," : "more than one run whose id begins with"} "${shorten(id)}".`,
  );
}

/** Lets people name a step without its service, where only one service has it. @throws UserError where none has it, or several. */
function nodeId(run: FoundRun, step: string): string {
  const ids = run.plan.nodes.map((node) => node.id);
  if (ids.includes(step)) return step;
  const [found, ...others] = ids.filter((id) => id.endsWith(`/${step}`));
  if (found !== undefined && others.length === 0) return found;
  if (found !== undefined)
    throw new UserError({
      happened: `Run ${run.id} has ${others.length + 1} steps called "${shorten(step)}", one for each service.`,
      means: "Nothing was changed.",
      todo: `Name the service too, as in ${found}.`,
    });
  throw new UserError({
    happened: `Run ${run.id} has no step "${shorten(step)}".${closest(
      step,
      ids.map((id) => id.split("/")[1] ?? id),
    )}`,
    means: "Nothing was changed.",
    todo: `Type /muster runs show ${run.id} for its steps.`,
  });
}

async function list(ctx: Context): Promise<Reply> {
  const { rows } = await sql<{ id: string; title: string; requested_by: string; proposed_at: Date }>`
    select id, title, requested_by, proposed_at from muster.run
     order by ended_at is null desc, proposed_at desc limit 20`.execute(ctx.db);
  if (rows.length === 0) return { lines: ["There are no runs yet."] };
  const lines = await Promise.all(
    rows.map(async (row) => {
      const run = await loadRun(ctx, row.id);
      return `${row.id}  ${standing(fold(run.plan, run.events))}  ${row.title}  (asked for by ${row.requested_by}, ${row.proposed_at.toISOString().slice(0, 19)}Z)`;
    }),
  );
  return { lines };
}
