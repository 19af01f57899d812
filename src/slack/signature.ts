import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** How far from our clock a request's time may be, before or after, in seconds. */
const windowSeconds = 300;

/** A request as it came: its headers, and its body's very bytes. */
export type SignedRequest = { headers: IncomingHttpHeaders; body: Buffer };

/**
 * Says why a request is not taken for Slack's, or nothing when Slack signed these bytes within the last five minutes. What
 * is missing or twice there is refused. A time in the future is as wrong as one in the past: whoever could choose it freely
 * could keep a captured request for later.
 *
 * @throws Error when there is no secret: with an empty one, anybody could sign.
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function whyRefused({ headers, body }: SignedRequest, secret: string, now: Date): string | undefined {
  if (secret.trim() === "") throw new Error("there is no signing secret to verify requests with");
  const time = headers["x-slack-request-timestamp"];
  const signature = headers["x-slack-signature"];
  if (typeof time !== "string" || !/^\d{1,12}$/.test(time)) return "it says no time";
  if (typeof signature !== "string" || !/^v0=[0-9a-f]{64}$/.test(signature)) return "it has no signature";
  if (Math.abs(now.getTime() / 1000 - Number(time)) > windowSeconds) return "its time is over 5 minutes from ours";
  const expected = createHmac("sha256", secret).update(`v0:${time}:`).update(body).digest();
  const given = Buffer.from(signature.slice("v0=".length), "hex");
  return timingSafeEqual(given, expected) ? undefined : "its signature is another's";
}
