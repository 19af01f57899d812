import type { Explanation } from "../errors.ts";

/** What was found out about one thing: what was seen of it, or what will not work because of it. */
export type Finding =
  | { subject: string; state: "ok"; seen: string }
  /** Muster does its duty, but not all of it, or not for long. */
  | ({ subject: string; state: "warning" } & Explanation)
  | ({ subject: string; state: "broken" } & Explanation);

/** Says that a thing is as it must be, and what was seen: a phrase, without a full stop. */
export const ok = (subject: string, seen: string): Finding => ({ subject, state: "ok", seen });

/** Says what will work less well than it could. */
export const warning = (subject: string, explanation: Explanation): Finding => ({
  subject,
  state: "warning",
  ...explanation,
});

/** Says what will not work. */
export const broken = (subject: string, explanation: Explanation): Finding => ({
  subject,
  state: "broken",
  ...explanation,
});
