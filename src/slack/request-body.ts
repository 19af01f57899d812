import type { SignedRequest } from "./signature.ts";

type Body = Record<string, unknown>;

/** Reads what Slack posted: JSON, a form, or a form whose `payload` is JSON. Undefined when it is neither. */
export function bodyOf({ headers, body }: SignedRequest): Body | undefined {
  const text = body.toString("utf8");
  const type = headers["content-type"] ?? "";
  if (/^application\/json\b/.test(type)) return parsed(text);
  if (!/^application\/x-www-form-urlencoded\b/.test(type)) return undefined;
  const form = Object.fromEntries(new URLSearchParams(text));
  return form["payload"] === undefined ? form : parsed(form["payload"]);
}

/** The workspace that a command, a click or an event came from. */
export function teamOf(body: Body): string | undefined {
  const { team_id: team, user } = body;
  const named = [team, idIn(body["team"], "id"), idIn(user, "team_id")];
  return named.find((one): one is string => typeof one === "string");
}

const idIn = (value: unknown, key: string): unknown => (isObject(value) ? value[key] : undefined);

const isObject = (value: unknown): value is Body =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
