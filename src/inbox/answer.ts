import type { Call, Command, Reply } from "../chat.ts";
import type { Context } from "../context.ts";
import { UserError, type Explanation } from "../errors.ts";
import { closest, shorten } from "../options.ts";
import { inSpan } from "../trace.ts";
import { splitWords } from "../words.ts";
import { findButton, isOurs, type Meaning } from "./buttons.ts";
import type { Delivery, Received } from "./delivery.ts";

/** A button pressed by a person: the same as the command `runs <verb> <run> [step]`. */
export type Press = Meaning & { person: string; call: Pick<Call, "id" | "place"> };

/** What the inbox needs from the floors above. */
export type Desk = {
  commands: readonly Command[];
  press(ctx: Context, press: Press): Promise<Reply>;
  /**
   * Tells which of the estate's people did something, where it may be done.
   * @throws UserError as the private refusal; TryLater when that could not be found out just now.
   */
  identify(ctx: Context, delivery: Delivery): Promise<{ name: string }>;
};

/** Something that is asked first does not answer just now; what to say when it still does not after some tries. */
export class TryLater extends Error {
  readonly explanation: Explanation;

  constructor(explanation: Explanation, options?: ErrorOptions) {
    super(explanation.happened, options);
    this.name = "TryLater";
    this.explanation = explanation;
  }
}

/** Does what a delivery says. Twice equals once: commands know their call by its id. @throws UserError, TryLater */
export async function answer(ctx: Context, desk: Desk, { delivery, deliveryKey }: Received): Promise<Reply> {
  const person = await desk.identify(ctx, delivery);
  const place = { kind: "slack", channel: delivery.channel } as const;
  if (delivery.kind === "press") {
    return desk.press(ctx, {
      ...(await pressed(ctx, delivery)),
      person: person.name,
      call: { id: deliveryKey, place },
    });
  }
  const { command, words } = findCommand(desk.commands, delivery.command, splitWords(delivery.text));
  return runCommand(ctx, command, { words, person, place, id: deliveryKey });
}

/** Runs a command, whoever gave it and wherever, as a span of its own. */
export function runCommand(ctx: Context, command: Command, call: Call): Promise<Reply> {
  const attributes = { "muster.place": call.place.kind };
  return inSpan(`command ${command.name}`, { attributes, redact: ctx.redact }, () => command.run(ctx, call));
}

/**
 * Finds what a press means. @throws UserError for an id that is not ours, or a button in a message that is not.
 */
async function pressed(ctx: Context, press: Extract<Delivery, { kind: "press" }>): Promise<Meaning> {
  const meaning = await findButton(ctx.db, press.button);
  const ref = `${press.channel}/${press.messageTs}`;
  if (meaning && (press.ephemeral || (await isOurs(ctx.db, meaning.runId, ref)))) return meaning;
  throw new UserError({
    happened: "That button is not one of Muster's, stands in a copied message, or is of a run that ended long ago.",
    means: "Nothing was changed.",
    todo: "Press it on the run's own card, or type /muster runs.",
  });
}

/**
 * Finds the command: `/muster failover ...`, `/failover ...` and `muster failover ...` are the same one, and so is `muster /failover ...`.
 * @throws UserError for a word that names none; `others` are verbs that only a terminal has.
 */
export function findCommand(
  commands: readonly Command[],
  typed: string,
  words: string[],
  others: readonly string[] = [],
) {
  const bare = typed.replace(/^\//, "");
  const [first = "help", ...rest] = bare === "muster" ? words : [bare, ...words];
  const name = first.replace(/^\//, "");
  const command = commands.find((one) => one.name === name.toLowerCase());
  if (command) return { command, words: rest };
  const names = commands.map((one) => one.name);
  throw new UserError({
    happened: `"${shorten(first)}" is nothing Muster can be told.${closest(name, [...names, ...others])}`,
    means: "Nothing was changed.",
    todo: `Type /muster help, or one of: ${names.map((one) => `/muster ${one}`).join(", ")}.`,
  });
}
