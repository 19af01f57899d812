import type { Command } from "../src/chat.ts";
import { UserError } from "../src/errors.ts";
import { readOptions } from "../src/options.ts";
import { tellEnrolled } from "../src/outbox/notices.ts";
import { enrol as enrolPerson, isEnrolled, useCode } from "../src/people/totp.ts";

const usage = "muster enrol [--replace --code <code>]";

/** Gives whoever sits at the terminal an authenticator secret, so that they can approve there. */
export const enrol: Command = {
  name: "enrol",
  usage,
  summary: "In a terminal: gives you an authenticator secret, needed to approve there. It is shown once.",

  async run(ctx, call) {
    const { options } = readOptions(call.words, { known: { replace: "flag", code: "text" }, positions: 0, usage });
    if (call.place.kind !== "terminal") {
      throw new UserError({
        happened: "A secret cannot be shown in Slack.",
        means: "Nothing was changed.",
        todo: `Type ${usage} in a terminal where you are logged in as yourself.`,
      });
    }
    const { name } = call.person;
    const replaces = options.replace === true && (await isEnrolled(ctx, name));
    // Else whoever sits there could make themselves a secret, and be that person in every approval.
    if (replaces) await useCode(ctx, name, typeof options.code === "string" ? options.code : undefined);
    const address = await ctx.db.transaction().execute(async (db) => {
      await tellEnrolled({ ...ctx, db }, name);
      return enrolPerson({ ...ctx, db }, name, replaces);
    });
    return {
      showsSecret: true,
      lines: [
        `${name} is enrolled. This is the only time the secret is shown:`,
        address,
        "Add it to an authenticator; its six digits go with: muster runs approve <run> --code <code>.",
      ],
    };
  },
};
