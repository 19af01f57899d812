import type { Context } from "./context.ts";

/** Somebody of the estate's people, by the name they have there. */
export type Person = { name: string };

/** Where words came from. A terminal is as good as a channel; only Slack has channels. */
export type Place = { kind: "slack"; channel: string } | { kind: "terminal" };

/** One command as a person gave it. */
export type Call = {
  /** The words after the command, quotes resolved: `us-west-2 checkout --dry-run`. */
  words: string[];
  person: Person;
  place: Place;
  /** Names this call for ever, so that one delivered twice is answered once: the inbox row, or the terminal's own id. */
  id: string;
  /** Shows lines and has the person say yes or no; only where somebody sits at a terminal. */
  agrees?: (lines: string[]) => Promise<boolean>;
};

/** What a person can press under a reply. What it means is looked up by its id; the button itself says nothing. */
export type Button = {
  label: string;
  /** Verb of the command it stands for: "approve", "decline", "hold", "look-again"... */
  verb: string;
  /** The run it speaks to. */
  runId: string;
  /** The step it speaks to, where it does. */
  step?: string;
  /** Which time that step was parked, where it speaks to that. */
  park?: number;
  style?: "primary" | "danger";
  /** Asked before the press counts, in one sentence. */
  confirm?: string;
};

/** What Muster says back, without knowing where it will be read. */
export type Reply = {
  /** Sentences, one a line; plain text that renderers escape. */
  lines: string[];
  buttons?: Button[];
  /** Seen by everyone in the place, or by the asker only. Default: the asker only. */
  to?: "everyone" | "asker";
  /** They hold a secret, for the eyes of whoever asked: a terminal shows them as they are. Never in Slack. */
  showsSecret?: true;
  /** A run whose live card this reply is about; Slack links to it, the terminal prints it. */
  runId?: string;
};

/** One front door: what a person types, and what they are told. */
export type Command = {
  name: string;
  /** One line: `/failover <region> <service> [--dry-run] ...`. */
  usage: string;
  /** One sentence for the list in help. */
  summary: string;
  /** @throws UserError for what the person can put right. */
  run(ctx: Context, call: Call): Promise<Reply>;
};
