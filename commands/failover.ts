import type { Call, Command, Reply } from "../src/chat.ts";
import type { Context } from "../src/context.ts";
import { type BrokenGlass, howMany, isBroken, spellBroken } from "../src/engine/break-glass.ts";
import { UserError } from "../src/errors.ts";
import { closest, readOptions, shorten } from "../src/options.ts";
import { failoverRegion } from "../jobs/failover-region.ts";
import { failover as failoverJob } from "../jobs/failover.ts";
import type { Job } from "../jobs/job.ts";
import { preview, propose, type Asking } from "../jobs/propose/propose.ts";
import { readBreakGlass } from "./break-glass.ts";
import { previewLines } from "../jobs/preview/lines.ts";

const usage =
  "/failover <region> [<service>] [--dry-run] [--ungraceful] [--reason <text>] [--break-glass <rules>] [--code <code>]";

/** Shows what moving a service, or every service, to a region would do; runs it once two people approved. */
export const failover: Command = {
  name: "failover",
  usage,
  summary: "Shows what moving a service (or all of them) to a region would change; does it once two people approved.",

  async run(ctx, call) {
    const { dryRun, reason, service, options, ...wanted } = readWords(ctx, call);
    const { estate } = ctx;
    const approvers = service === undefined ? failoverRegion.approvers(estate) : failoverJob.approvers(estate);
    const breakGlass = await readBreakGlass(ctx, call, options, approvers);
    const where = { ...wanted, ...(breakGlass ? { breakGlass } : {}) };
    const asking = {
      by: call.person.name,
      callId: call.id,
      place: call.place,
      ...(reason === undefined ? {} : { reason }),
    };
    const wish = service === undefined ? wishOf(failoverRegion, where) : wishOf(failoverJob, { ...where, service });
    if (dryRun) {
      const seen = await wish.preview(ctx);
      return {
        lines: [...previewLines(seen), "This was a dry run: nothing was changed, and nothing can be approved."],
      };
    }
    const proposal = await wish.propose(ctx, asking);
    return proposal.existing ? alreadyThere(call, proposal.runId) : proposed(call, proposal, breakGlass);
  },
};

/** A kind of move with what it was asked for. */
const wishOf = <Input, Facts>(job: Job<Input, Facts>, input: Input) => ({
  preview: (ctx: Context) => preview(ctx, job, input),
  propose: (ctx: Context, asking: Asking) => propose(ctx, job, input, asking),
});

type Proposed = Awaited<ReturnType<typeof propose>>;

function proposed(call: Call, { runId, preview: seen }: Proposed, breakGlass: BrokenGlass | undefined): Reply {
  const terminal = call.place.kind === "terminal";
  const broken = breakGlass ? { breakGlass } : {};
  const who = howMany(broken, 2) === 2 ? "Two approvers" : "One approver";
  const not = isBroken(broken, "requester") ? "" : `, not ${call.person.name}`;
  const verb = (word: string) => (who === "One approver" ? `${word}s` : word);
  const ask = terminal
    ? `${who}${not}${not && ","} ${verb("approve")} it within 15 minutes: muster runs approve ${runId} --code <code>.`
    : `The card in the channel shows the plan. ${who} ${who === "One approver" ? "presses" : "press"} Approve within 15 minutes.`;
  const blocked = `It cannot be approved as things are; ${terminal ? "what stands above says" : "the card says"} why.`;
  return {
    lines: [
      `Run ${runId}. Nothing has been changed yet.`,
      ...(breakGlass ? [`Every approver and the executives are told: ${spellBroken(breakGlass)}.`] : []),
      ...(terminal && seen ? previewLines(seen) : []),
      seen?.blockers.length ? blocked : ask,
    ],
    runId,
  };
}

const alreadyThere = ({ place }: Call, runId: string): Reply => ({
  lines: [
    `Run ${runId} is doing this, or waits to be approved for it.`,
    "Nothing was changed by asking again.",
    place.kind === "terminal" ? `Look at it: muster runs show ${runId}.` : "Look at its card.",
  ],
  runId,
});

type Wanted = {
  toRegion: string;
  service?: string;
  force?: "ungraceful";
  dryRun: boolean;
  reason?: string;
  options: Parameters<typeof readBreakGlass>[2];
};

function readWords(ctx: Context, { words }: Call): Wanted {
  const { positional, options } = readOptions(words, {
    known: { "dry-run": "flag", ungraceful: "flag", reason: "text", "break-glass": "text", code: "text" },
    positions: 2,
    usage,
  });
  const [toRegion = "", service = ""] = positional;
  const { regions, services } = ctx.estate;
  if (!regions.includes(toRegion)) {
    throw new UserError({
      happened: toRegion
        ? `"${shorten(toRegion)}" is not a region in the estate file.${closest(toRegion, regions)}`
        : "No region was named.",
      means: "Nothing was changed.",
      todo: `Type ${usage}, with one of: ${regions.join(", ")}.`,
    });
  }
  const names = Object.keys(services);
  if (service && !Object.hasOwn(services, service)) {
    throw new UserError({
      happened: `"${shorten(service)}" is not a service in the estate file.${closest(service, names)}`,
      means: "Nothing was changed.",
      todo: `Type ${usage}, with one of: ${names.join(", ")}.`,
    });
  }
  return {
    toRegion,
    ...(service ? { service } : {}),
    options,
    dryRun: options["dry-run"] === true,
    ...(options.ungraceful ? { force: "ungraceful" as const } : {}),
    ...(typeof options.reason === "string" ? { reason: options.reason } : {}),
  };
}
