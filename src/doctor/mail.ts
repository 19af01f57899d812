import { greetMailServer, longestGreetingMs } from "../adapters/smtp.ts";
import { UserError } from "../errors.ts";
import { explainAs } from "../facts/explain.ts";
import type { Check } from "./check.ts";
import { broken, ok, warning } from "./finding.ts";

/** Whether the mail server greets Muster, and lets it log in. No mail is sent. */
export const mail: Check = {
  name: "mail",
  extraMs: longestGreetingMs,
  async look(ctx) {
    const { SMTP_URL: url, MAIL_FROM: from } = ctx.config;
    if (!url) {
      return [
        warning("mail", {
          happened: "SMTP_URL is not set.",
          means: "No mail is sent: whoever does not look at Slack is not told.",
          todo: "Set SMTP_URL and MAIL_FROM.",
        }),
      ];
    }
    try {
      await greetMailServer(ctx, { url, from });
      return [ok("mail", `${new URL(url).host} takes mail from ${from}, as far as it says before one is sent`)];
    } catch (error) {
      if (error instanceof UserError) return [broken("mail", error.explanation)];
      return [
        broken("mail", {
          happened: `${explainAs("The mail server")(error)}.`,
          means: "No mail is sent: people are told in Slack only.",
          todo: "Look at SMTP_URL, and at the server it names.",
        }),
      ];
    }
  },
};
