import { messageOf } from "../errors.ts";
import { clip } from "../spelling.ts";
import { neverLeft } from "./unreachable.ts";

/** What an error of Statuspage asks for. */
export type PageTrouble =
  /** Nothing arrived: the page is to be left alone for so many seconds. */
  | { kind: "throttled"; afterSeconds: number }
  /** Nothing was changed, because nobody was reached or it was only a look. */
  | { kind: "away" }
  /** It may have been done. */
  | { kind: "doubtful" }
  /** It cannot be done like this. */
  | { kind: "refused"; status: number };

/** A call to Statuspage failed; what to do about it is in `trouble`. */
export class PageFailed extends Error {
  readonly trouble: PageTrouble;

  constructor(trouble: PageTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PageFailed";
    this.trouble = trouble;
  }
}

/** Statuspage's own limit is counted over a minute. */
const defaultWaitSeconds = 60;

/** Makes the error of an answer that is not a success. The limit is answered 420 or 429, both with Retry-After. */
export function answeredWith(status: number, retryAfter: string | string[] | undefined, body: string): PageFailed {
  const says = wordsOf(body);
  const message = `it answers ${status}${says === "" ? "" : ` (${says})`}`;
  if (status === 420 || status === 429)
    return new PageFailed({ kind: "throttled", afterSeconds: waitOf(retryAfter) }, message);
  return new PageFailed(status >= 500 ? { kind: "doubtful" } : { kind: "refused", status }, message);
}

/** Sorts whatever a call to Statuspage threw; a look that failed changed nothing. */
export function pageTroubleOf(error: unknown, { changes }: { changes: boolean }): PageFailed {
  const failed =
    error instanceof PageFailed
      ? error
      : new PageFailed({ kind: neverLeft(error) ? "away" : "doubtful" }, messageOf(error), { cause: error });
  if (changes || failed.trouble.kind !== "doubtful") return failed;
  return new PageFailed({ kind: "away" }, failed.message, { cause: error });
}

function waitOf(retryAfter: string | string[] | undefined): number {
  const seconds = Number(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) : defaultWaitSeconds;
}

/** What an error's body says: documented is { message }, seen is { error } with one text or several. */
function wordsOf(body: string): string {
  try {
    const { message, error } = Object(JSON.parse(body)) as { message?: unknown; error?: unknown };
    const texts = [message ?? error].flat().filter((text) => typeof text === "string");
    return clip(texts.join("; ").replaceAll(/\s+/g, " "), 200);
  } catch {
    return "";
  }
}
