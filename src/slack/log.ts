import { LogLevel, type Logger } from "@slack/bolt";
import type { Log } from "../call.ts";

/** Lets Slack's libraries write into our log. What they say at debug holds whole payloads, so that is left out. */
export function boltLogger(log: Log): Logger {
  const text = (parts: unknown[]) =>
    parts.map((part) => (part instanceof Error ? part.message : String(part))).join(" ");
  return {
    debug: () => undefined,
    info: (...parts: unknown[]) => log.debug({ from: "slack" }, text(parts)),
    warn: (...parts: unknown[]) => log.warn({ from: "slack" }, text(parts)),
    error: (...parts: unknown[]) => log.warn({ from: "slack" }, text(parts)),
    setLevel: () => undefined,
    getLevel: () => LogLevel.INFO,
    setName: () => undefined,
  };
}
