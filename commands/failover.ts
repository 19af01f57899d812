import type { Call, Command, Reply } from "../src/chat.ts";
import type { Context } from "../src/context.ts";
import { UserError } from "../src/errors.ts";
import { closest, readOptions, shorten } from "../src/options.ts";
import { failoverRegion } from "../jobs/failover-region.ts";
import { failover as failoverJob } from "../jobs/failover.ts";
import type { Job } from "../jobs/job.ts";
import { preview, propose, type Asking } from "../jobs/propose.ts";
import { previewLines } from "../jobs/preview-lines.ts";

const usage = "/failover <region> [<service>] [--dry-run] [--ungraceful] [--reason <text>]";

/** Shows what moving a service, or every service, to a region would do; runs it once two people approved. */
export const failover: Command = {
  name: "failover",
  usage,
  summary: "Shows what moving a service (or all of them) to a region would change; does it once two people approved.",

  async run(ctx, call) {
    const { dryRun, reason, service, ...where } = readWords(ctx, call);
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
    return proposal.existing ? alreadyThere(proposal.runId) : proposed(call, proposal);
  },
};

/** A kind of move with what it was asked for. */
const wishOf = <Input, Facts>(job: Job<Input, Facts>, input: Input) => ({
  preview: (ctx: Context) => preview(ctx, job, input),
  propose: (ctx: Context, asking: Asking) => propose(ctx, job, input, asking),
});

function proposed(call: Call, { runId, preview: seen }: Awaited<ReturnType<typeof propose>>): Reply {
  const terminal = call.place.kind === "terminal";
  const ask = terminal
    ? `Two approvers, not ${call.person.name}, approve it within 15 minutes: muster runs approve ${runId} --code <code>.`
    : "The card in the channel shows the plan. Two approvers press Approve within 15 minutes.";
  const blocked = "It cannot be approved as things are; the card says why.";
  return {
    lines: [
      `Run ${runId}. Nothing has been changed yet.`,
      ...(terminal && seen ? previewLines(seen) : []),
      seen?.blockers.length ? blocked : ask,
    ],
    runId,
  };
}

const alreadyThere = (runId: string): Reply => ({
  lines: [
    `Run ${runId} is doing this, or waits to be approved for it.`,
    "Nothing was changed by asking again.",
    "Look at its card.",
  ],
  runId,
});

type Wanted = { toRegion: string; service?: string; force?: "ungraceful"; dryRun: boolean; reason?: string };

function readWords(ctx: Context, { words }: Call): Wanted {
  const { positional, options } = readOptions(words, {
    known: { "dry-run": "flag", ungraceful: "flag", reason: "text" },
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
    dryRun: options["dry-run"] === true,
    ...(options.ungraceful ? { force: "ungraceful" as const } : {}),
    ...(typeof options.reason === "string" ? { reason: options.reason } : {}),
  };
}
