import { setTimeout } from "node:timers/promises";
import type { Muster } from "../main.ts";
import type { Slack } from "./slack.ts";

/** The settings of a Muster that a lab's Slack reaches over Socket Mode, or by posting to it. */
export const slackSettings = ({ botToken, appToken, apiUrl, requests }: Slack, overHttp = false) => ({
  SLACK_BOT_TOKEN: botToken,
  ...(overHttp ? { SLACK_SIGNING_SECRET: requests.signingSecret } : { SLACK_APP_TOKEN: appToken }),
  SLACK_API_URL: apiUrl,
});

/** Has Slack post to any server that is there, as a load balancer does in a company. */
export function postToAny({ requests }: Slack, musters: readonly Muster[], random: () => number): void {
  requests.url = () => {
    const chosen = musters[Math.floor(random() * musters.length)];
    return chosen && `http://127.0.0.1:${chosen.httpPort}/slack/events`;
  };
}

/** Waits, at most ten wall seconds, until what somebody types reaches Muster. */
export async function isHeard({ sockets, requests }: Slack): Promise<void> {
  const limit = performance.now() + 10_000;
  while (!requests.url && sockets.connections === 0 && performance.now() < limit) await setTimeout(5);
}
