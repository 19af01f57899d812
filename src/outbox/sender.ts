import type { Button } from "../chat.ts";
import type { Context } from "../context.ts";
import type { StatusUpdate } from "../statuspage/update.ts";

/** One message on its way out, in nobody's markup. */
export type Message = {
  /**
   * The rows' thread: "run:<id>", "reply:<id>", "channel:<name>", "mail:<person>", "chart:<run>", "statuspage:<run>". Messages
   * of one thread go out in order.
   */
  thread: string;
  /** Identifies it for ever; travels in the message's metadata so that a doubtful post can be read back. */
  dedupeKey: string;
  payload: MessagePayload;
};

export type MessagePayload = {
  /** Plain text, one line each; renderers escape it. */
  lines: string[];
  /** A mail's subject. */
  subject?: string;
  buttons?: Button[];
  /** People to be mentioned, by name. */
  mention?: string[];
  /** Where a reply goes: a Slack channel and user, and the response_url where there is one. */
  reply?: { channel: string; user: string; responseUrl?: string; everyone: boolean };
  runId?: string;
  /** What an incident on the status page is to say. */
  statusPage?: StatusUpdate;
};

/** What became of a try to send. */
export type Sent =
  | { sent: true; ref?: string }
  /** Not sent, and nothing arrived: try again after so many seconds. */
  | { retryAfterSeconds: number; because: string }
  /** It may or may not have arrived: read back before another try (people are not written to twice by mail), not sooner than that. */
  | { doubtful: true; because: string; retryAfterSeconds?: number }
  /** It can never be sent like this; the ones behind it must not wait. */
  | { refused: true; because: string }
  /** There is nobody to send it to, and that is nobody's trouble. */
  | { unaddressed: true; because: string }
  /** Nothing arrived, because the place is gone: find the thread another one. */
  | { homeless: "channel" | "thread"; from: { channel: string; ref?: string }; because: string }
  /** Nothing arrived, and nothing will before a person acts (a revoked token): ask, and try now and then. */
  | { lockedOut: true; because: string };

/**
 * A message in the hands of one process: its row, and which try of it this is. Whoever takes it next makes another try, and
 * from then on nothing that the one before notes of it counts.
 */
export type Taken = { seq: number; attempts: number };

/** What is said of a row that another process has taken meanwhile. */
export const takenAway = "another process has taken it meanwhile";

/**
 * Takes one message out. Never throws for what the outside said; `doubtful` rows come back with `again` set. `stopping` fires
 * when the process is to end: whoever may wait long leaves off then.
 */
export type Sender = (
  ctx: Context,
  message: Message,
  again: boolean,
  taken: Taken,
  stopping?: AbortSignal,
) => Promise<Sent>;

/** A run's live card, to be drawn as the run is now. */
export type Card = {
  run: string;
  /** As the estate or Slack names it: "#incident-response", "C01". */
  channel: string;
  /** Where it stands, in the sender's own words; undefined before it was posted. */
  ref?: string;
  /** Which try this is: whoever takes it next makes another. */
  attempts: number;
};

/** Draws and sends a card: posts it where it has no `ref` (looking first whether it is there, when `again`), else edits it. */
export type CardSender = (ctx: Context, card: Card, again: boolean) => Promise<Sent>;
