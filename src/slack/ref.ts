import type { SlackPlace } from "../adapters/slack.ts";

/** Writes where a message stands, as outbox and cards keep it: "C01/1690000000.000100". */
export const refOf = ({ channel, ts }: SlackPlace): string => `${channel}/${ts}`;

/** Reads where a message stands. */
export function placeOf(ref: string): SlackPlace {
  const [channel = "", ts = ""] = ref.split("/");
  return { channel, ts };
}
