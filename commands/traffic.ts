import type { Call, Command, Reply } from "../src/chat.ts";
import type { Context } from "../src/context.ts";
import { UserError } from "../src/errors.ts";
import { lookBothWays } from "../src/facts/traffic/both-ways.ts";
import type { MoveFacts } from "../src/facts/traffic/driver.ts";
import { driverOf } from "../src/facts/traffic/index.ts";
import { closest, readOptions, shorten } from "../src/options.ts";
import { spellShares } from "../jobs/claims.ts";
import { setUpSwitch } from "../jobs/set-up/make.ts";
import { setupLines, setupOf } from "../jobs/set-up/needed.ts";

const usage = "/muster traffic [check | setup] <service> [--apply]";

/** Says how customers of a service would be moved and where that lets one down; makes the switch that moves them. */
export const traffic: Command = {
  name: "traffic",
  usage,
  summary: "Checks how customers of a service are moved between regions, or sets up the object that moves them.",

  async run(ctx, call) {
    const { positional, options } = readOptions(call.words, { known: { apply: "flag" }, positions: 2, usage });
    const [verb = "", service = ""] = positional;
    if (verb !== "check" && verb !== "setup") throw wrongVerb(verb);
    findService(ctx, service);
    if (verb === "check") return check(ctx, service);
    return setup(ctx, call, { service, apply: options.apply === true });
  },
};

async function check(ctx: Context, service: string): Promise<Reply> {
  const moves = await lookBothWays(ctx, service);
  const [first] = moves;
  const shares = first && driverOf(first.dns).shares(first.dns);
  const now = `${first?.dns.name.name ?? service} by ${driverOf(first?.dns ?? {}).name}: ${shares ? spellShares(shares) : "nobody can tell where customers are sent"}.`;
  return { lines: [now, ...moves.flatMap(linesOf), "Nothing was changed."] };
}

function linesOf(facts: MoveFacts): string[] {
  const driver = driverOf(facts.dns);
  const { region, value } = driver.dependence(facts);
  const blockers = driver.blockers(facts);
  return [
    `To ${facts.toRegion}: ${blockers.length > 0 ? "cannot be done" : "can be done"}; depends on ${region}: ${value}.`,
    ...blockers.map((blocker) => `  Cannot be done: ${blocker}.`),
    ...driver.traps(facts).map((trap) => `  ! ${trap}`),
  ];
}

async function setup(
  ctx: Context,
  call: Call,
  { service, apply }: { service: string; apply: boolean },
): Promise<Reply> {
  if (apply) refuseStrangers(ctx, call);
  const [facts] = await lookBothWays(ctx, service);
  if (!facts) throw new Error(`${service} has no regions`);
  const wanted = setupOf(facts);
  const lines = setupLines(wanted, facts.dns.name.name);
  if (lines.length === 0) return { lines: [`The switch of ${service} stands as it should. Nothing was changed.`] };
  if (!apply) {
    return {
      lines: [...lines, `Nothing was changed. To do it, in a terminal: muster traffic setup ${service} --apply.`],
    };
  }
  if (!(await call.agrees?.(lines))) return { lines: ["Nothing was changed."] };
  await setUpSwitch(ctx, wanted, facts.dns.name);
  return { lines: [`Done. Customers are where they were. Look at it: muster traffic check ${service}.`] };
}

/** Records are changed, if only how they are decided: that is for approvers, and for somebody who is asked once more. */
function refuseStrangers({ estate }: Context, { person, agrees }: Call): void {
  if (!agrees) {
    throw new UserError({
      happened: "Setting up is only done for somebody who can be asked for a yes.",
      means: "Nothing was changed.",
      todo: `Type muster traffic setup <service> --apply in a terminal.`,
    });
  }
  if (estate.approvers.includes(person.name)) return;
  throw new UserError({
    happened: `${person.name} is not among the approvers.`,
    means: "Nothing was changed.",
    todo: `Ask one of ${estate.approvers.join(", ")}.`,
  });
}

function findService({ estate }: Context, service: string): void {
  if (Object.hasOwn(estate.services, service)) return;
  const names = Object.keys(estate.services);
  throw new UserError({
    happened: service
      ? `"${shorten(service)}" is not a service in the estate file.${closest(service, names)}`
      : "No service was named.",
    means: "Nothing was changed.",
    todo: `Type ${usage}, with one of: ${names.join(", ")}.`,
  });
}

const wrongVerb = (verb: string): UserError =>
  new UserError({
    happened: verb
      ? `Traffic cannot be told to "${shorten(verb)}".${closest(verb, ["check", "setup"])}`
      : "Nothing was said about what to do with traffic.",
    means: "Nothing was changed.",
    todo: `Type ${usage}.`,
  });
