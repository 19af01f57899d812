/** What somebody did in Slack, as it is kept until it is dealt with. */
export type Delivery = {
  /** The workspace it came from, the person as Slack knows them, and where they did it. */
  team: string;
  user: string;
  channel: string;
  channelName?: string;
  /** Where an answer may be sent for half an hour. */
  responseUrl?: string;
  /** Where it was received, for whoever traces. */
  trace?: string;
} & (
  | { kind: "command"; command: string; text: string }
  | { kind: "press"; button: string; messageTs: string; ephemeral: boolean }
);

/** A delivery in the inbox. */
export type Received = { seq: number; deliveryKey: string; tries: number; delivery: Delivery };
