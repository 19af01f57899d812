import type { MessagePayload } from "../outbox/sender.ts";
import type { Announcement } from "./announce.ts";
import type { EventBody } from "./events.ts";
import type { Plan } from "./plan.ts";

/** What people hear of one event. */
export type Tell = {
  /** The sentence for the timeline. */
  line?: string;
  /** Said in the run's thread. */
  milestone?: Pick<MessagePayload, "lines" | "buttons" | "mention">;
  /** Said in the run's thread with a picture of what went on. */
  chart?: { lines: string[] };
  /** Sent to these people by mail. */
  mail?: { people: string[]; subject: string; lines: string[] };
  /** Told to others, in the words of the plan. */
  announcements?: Announcement[];
};

/** The run an event is of. */
export type Run = { id: string; plan: Plan };

export type StepEvent = Extract<EventBody, { step: string }>;
export type RunEvent = Exclude<EventBody, StepEvent>;

/** Says it in the timeline and in the run's thread. */
export const inThread = (line: string, rest: Partial<MessagePayload> = {}): Tell => ({
  line,
  milestone: { lines: [line], ...rest },
});

/** Says it in the thread and to people's mailboxes; in a mail also how it is answered without Slack. */
export function toEveryone(
  run: Run,
  people: string[],
  lines: string[],
  { terminal, ...rest }: Partial<MessagePayload> & { terminal?: string } = {},
): Tell {
  return {
    line: lines[0] ?? "",
    milestone: { lines, mention: people, ...rest },
    mail: {
      people,
      subject: `[Muster] ${run.plan.title}: ${lines[0] ?? ""}`.slice(0, 150),
      lines: [...lines, ...(terminal === undefined ? [] : [`In a terminal: ${terminal}.`]), `Run ${run.id}.`],
    },
  };
}
