import pino, { type DestinationStream } from "pino";
import type { Log } from "./call.ts";
import { redactDeep, type Redact } from "./redact.ts";

/** Opens the process's log: JSON lines on standard error, each through the redactor. */
export function openLog(level: string, redact: Redact, destination: DestinationStream = standardError()): Log {
  const logger = pino(
    {
      level,
      base: null,
      formatters: { log: (fields) => redactDeep(redact, fields), level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    debug: (fields, message) => logger.debug(fields, redact(message)),
    info: (fields, message) => logger.info(fields, redact(message)),
    warn: (fields, message) => logger.warn(fields, redact(message)),
    error: (fields, message) => logger.error(fields, redact(message)),
  };
}

const standardError = () => pino.destination({ dest: 2, sync: false });
