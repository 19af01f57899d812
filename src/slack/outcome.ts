import { SlackFailed } from "../adapters/slack-trouble.ts";
import type { Sent } from "../outbox/sender.ts";

/** Tells the outbox what an error of Slack means for the message. @throws what was not Slack's. */
export function outcomeOf(error: unknown, from: { channel: string; ref?: string }): Sent {
  if (!(error instanceof SlackFailed)) throw error;
  const { trouble, message: because } = error;
  switch (trouble.kind) {
    case "retry":
      return { retryAfterSeconds: trouble.afterSeconds, because };
    case "re-home":
      return { homeless: trouble.lost, from, because };
    case "locked-out":
      return { lockedOut: true, because };
    case "doubtful":
      return { doubtful: true, because };
    case "shorten":
    case "plainer":
    case "refused":
      return { refused: true, because };
  }
}

/** Whether a call failed in one of these ways. */
export const failedWith = (error: unknown, ...kinds: SlackFailed["trouble"]["kind"][]): error is SlackFailed =>
  error instanceof SlackFailed && kinds.includes(error.trouble.kind);
