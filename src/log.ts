import pino from "pino";
import type { Log } from "./call.ts";

/** Replaces every secret it was told of, and passwords inside addresses, wherever they stand in a text. */
export type Redact = (text: string) => string;

/**
 * Makes the one redactor of a process: what passes it may be logged, journalled and shown. A secret that is added to the
 * set later counts from then on.
 */
export function makeRedactor(secrets: ReadonlySet<string>): Redact {
  return (text) => {
    // Whatever is shorter would blank out ordinary words.
    const known = [...secrets].filter((secret) => secret.length >= 6).sort((left, right) => right.length - left.length);
    let clean = text.replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@]+@/gi, "$1:[redacted]@");
    for (const secret of known) clean = clean.replaceAll(secret, "[redacted]");
    return clean.replaceAll(looksSecret, "[redacted]");
  };
}

/** Slack's tokens, AWS's key ids, and what stands after "Bearer" in a header, whoever they belong to. */
const looksSecret = /\bxox[a-z]-[\w-]+|\bxapp-[\w-]+|\bA(?:KIA|SIA)[0-9A-Z]{16}\b|(?<=\bbearer )[\w.~+/=-]{6,}/gi;

/** Redacts every string in a value, at any depth; keys stay. */
export function redactDeep<T>(redact: Redact, value: T): T {
  if (typeof value === "string") return redact(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => redactDeep(redact, item)) as T;
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactDeep(redact, item)])) as T;
}

/** Opens the process's log: JSON lines on standard error, each through the redactor. */
export function openLog(level: string, redact: Redact): Log {
  const logger = pino(
    {
      level,
      base: null,
      formatters: { log: (fields) => redactDeep(redact, fields), level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: false }),
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}
