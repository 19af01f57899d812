import { LogLevel } from "@slack/bolt";
import { WebClient } from "@slack/web-api";
import { Clock } from "../../src/clock.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { openSlack, type Slack } from "../../src/lab/slack.ts";

const quiet = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  setName: () => {},
};
/** A logger for Slack's clients that keeps what they expect to be told out of the test's output. */
export const logger = { ...quiet, getLevel: () => LogLevel.ERROR };

export type Workspace = { clock: Clock; log: RequestLog; slack: Slack };

/** Opens a Slack with four people: two of ours, a guest, and somebody of another company. */
export async function openWorkspace(host: string): Promise<Workspace> {
  const clock = new Clock();
  const log = new RequestLog(clock);
  const slack = await openSlack({
    log,
    clock,
    host,
    commands: ["/failover", "/muster"],
    persons: [
      { id: "U01", name: "ana", email: "ana@example.com" },
      { id: "U02", name: "ben", email: "ben@example.com" },
      { id: "U08", name: "gus", email: "gus@example.com", guest: true },
      { id: "U09", name: "out", email: "out@other.example", team: "T99" },
    ],
  });
  return { clock, log, slack };
}

/** Makes Slack's own client, with the settings that Muster gives it. */
export function newWeb(slack: Slack, token = slack.botToken): WebClient {
  const options = { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 }, timeout: 2000, logger };
  return new WebClient(token, { ...options, rejectRateLimitedCalls: true });
}

/** Reads the code of Slack's "no". */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => ({ data: { error: "none" } }),
    (thrown: { data?: { error?: string } }) => thrown,
  );
  return error.data?.error ?? JSON.stringify(error);
}

/** Makes a button of Block Kit. */
export const button = (text: string, action_id: string) => ({
  type: "button" as const,
  text: { type: "plain_text" as const, text },
  action_id,
  value: `value of ${text}`,
});
/** Makes a row of buttons. */
export const actions = (...elements: ReturnType<typeof button>[]) => ({
  type: "actions" as const,
  block_id: "deeds",
  elements,
});

/** Waits for what happens after an acknowledgement. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`never held: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
