import type { Clock } from "../clock.ts";
import type { LabRequest } from "./request-log.ts";
import type { SlackFiles } from "./slack-files.ts";
import type { SlackKnobs } from "./slack-knobs.ts";
import type { Tier } from "./slack-rates.ts";
import type { SlackViews } from "./slack-views.ts";
import { isJson, type Json, type LabChannel, type Workspace } from "./slack-workspace.ts";

/** What the methods of the Web API work on. */
export type Slackdom = {
  workspace: Workspace;
  views: SlackViews;
  files: SlackFiles;
  knobs: SlackKnobs;
  clock: Clock;
  /** Names a new web socket address. */
  socketUrl(): string;
  /** Where the workspace is read in a browser. */
  homeUrl(): string;
};

/** Slack's "no": `{ok: false, error}` with status 200. */
export class Refusal extends Error {
  readonly extra: Json;
  constructor(code: string, extra: Json = {}) {
    super(code);
    this.extra = extra;
  }
}

/** One method of the Web API. */
export type Method = {
  tier: Tier;
  /** Whether a call changes the workspace: only those can fail after the effect. */
  changes?: boolean;
  /** Which token may call it; the bot's unless said. */
  token?: "app";
  run(slack: Slackdom, params: Params, request: LabRequest): Json;
};

/** The arguments of one call, however they were sent: Slack takes forms, whose lists and objects are JSON in a string. */
export class Params {
  readonly #values: Json;

  constructor(values: Json) {
    this.#values = values;
  }

  /** Reads a string; an empty one counts as missing. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null || value === "") return undefined;
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  /** Reads a string that must be there. @throws Refusal with the error given. */
  need(name: string, error = "invalid_arguments"): string {
    const value = this.text(name);
    if (value !== undefined) return value;
    throw new Refusal(error, { response_metadata: { messages: [`[ERROR] missing required field: ${name}`] } });
  }

  flag(name: string): boolean {
    return ["true", "1"].includes(this.text(name) ?? "");
  }

  number(name: string, otherwise: number): number {
    const value = Number(this.text(name) ?? otherwise);
    return Number.isFinite(value) ? value : otherwise;
  }

  /** Reads an object or a list. @throws Refusal with the error given when it is neither. */
  json(name: string, error: string): unknown {
    const value = this.text(name);
    if (value === undefined) return undefined;
    try {
      return JSON.parse(value);
    } catch {
      throw new Refusal(error);
    }
  }

  /** Reads an object. @throws Refusal with the error given when it is something else. */
  object(name: string, error: string): Json | undefined {
    const value = this.json(name, error);
    if (value !== undefined && !isJson(value)) throw new Refusal(error);
    return value;
  }
}

/** Finds the channel a call names. @throws Refusal channel_not_found */
export function channelOf(slack: Slackdom, params: Params): LabChannel {
  const channel = slack.workspace.findChannel(params.need("channel", "channel_not_found"));
  if (!channel) throw new Refusal("channel_not_found");
  return channel;
}

/** Finds the channel a call wants to speak in. @throws Refusal is_archived, not_in_channel */
export function writableChannelOf(slack: Slackdom, params: Params): LabChannel {
  const channel = channelOf(slack, params);
  if (channel.isArchived) throw new Refusal("is_archived");
  if (channel.botIsMember === false) throw new Refusal(channel.isPrivate ? "channel_not_found" : "not_in_channel");
  return channel;
}
