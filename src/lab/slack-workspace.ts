import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";

export type Json = { [key: string]: unknown };

/** A member of the workspace. What an app may not trust is said by the flags. */
export type LabPerson = {
  id: string;
  name: string;
  email: string;
  guest?: boolean;
  bot?: boolean;
  deleted?: boolean;
  /** Set for somebody of another company, seen through a shared channel. */
  team?: string;
  /** In an organisation of many workspaces: all that they belong to. Where this one is among them, `team` is no stranger's. */
  teams?: string[];
};

/** For which workspace somebody types and presses here: this one, or a stranger's own. */
export const workspaceOf = ({ team, teams }: LabPerson, own: string): string =>
  teams?.includes(own) ? own : (team ?? own);

export type LabChannel = {
  id: string;
  name: string;
  isPrivate?: boolean;
  isArchived?: boolean;
  /** Whether the app was invited; without it, it may not speak there. Default true. */
  botIsMember?: boolean;
  /** A conversation of one person with the app. */
  im?: string;
};

export type LabTeam = { id: string; domain: string; name: string };

export type Message = {
  type: "message";
  channel: string;
  ts: string;
  user: string;
  text: string;
  bot_id?: string;
  app_id?: string;
  team?: string;
  blocks?: Json[];
  metadata?: Json;
  thread_ts?: string;
  edited?: { user: string; ts: string };
  reply_count?: number;
  latest_reply?: string;
  reactions?: { name: string; users: string[]; count: number }[];
  files?: MessageFile[];
};

/** A file as a message shows it; a deleted one leaves only a mark. */
export type MessageFile =
  | { id: string; name: string; title: string; alt_txt: string; mimetype: string; size: number; mode?: undefined }
  | { id: string; mode: "tombstone" };

/** Seen by one person only; gone when they reload Slack, and in no history. */
export type Ephemeral = { person: string; message: Message };

export type Draft = Pick<Message, "text" | "blocks" | "metadata" | "thread_ts" | "files">;

type Kept = { channel: string; ts: string; versions: { at: number; message: Message | undefined }[] };

/** What the workspace holds, and what it held a while ago: reads may lag behind writes. */
export class Workspace {
  readonly team: LabTeam;
  readonly appId = "A0MUSTER";
  readonly bot = { id: "B0MUSTER", user: "U0MUSTER", name: "muster" };
  readonly persons = new Map<string, LabPerson>();
  readonly channels = new Map<string, LabChannel>();
  readonly ephemerals: Ephemeral[] = [];
  /** Members of each user group, by its id. */
  readonly usergroups = new Map<string, string[]>();
  readonly #clock: Clock;
  readonly #kept: Kept[] = [];
  readonly #listeners = new Set<() => void>();
  #lastTs = 0;

  constructor(clock: Clock, team: LabTeam, persons: LabPerson[], channels: LabChannel[]) {
    this.#clock = clock;
    this.team = team;
    this.persons.set(this.bot.user, { id: this.bot.user, name: this.bot.name, email: "", bot: true });
    for (const person of persons) this.persons.set(person.id, person);
    for (const channel of channels) this.channels.set(channel.id, channel);
  }

  /** Calls back after every change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells listeners that something changed which they show. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Names a new moment: Slack's message ids are times, unique and rising. */
  nextTs(): string {
    this.#lastTs = Math.max(this.#lastTs + 1, this.#clock.now().getTime() * 1000);
    return `${Math.floor(this.#lastTs / 1e6)}.${String(this.#lastTs % 1e6).padStart(6, "0")}`;
  }

  /** Finds a channel as apps name it: by id, by #name, or by a person's id for the conversation with them. */
  findChannel(name: string): LabChannel | undefined {
    const found = this.channels.get(name) ?? [...this.channels.values()].find((channel) => `#${channel.name}` === name);
    if (found) return found;
    const person = this.persons.get(name);
    if (!person || person.deleted) return undefined;
    return this.#openConversation(person);
  }

  #openConversation(person: LabPerson): LabChannel {
    const id = `D${person.id.slice(1)}`;
    const channel = this.channels.get(id) ?? { id, name: person.name, im: person.id };
    this.channels.set(id, channel);
    return channel;
  }

  /** Adds a message of the app (no user given) or of a person. */
  post(channel: string, draft: Draft, user?: string): Message {
    const message = this.compose(channel, draft, user);
    this.#kept.push({ channel, ts: message.ts, versions: [{ at: this.#clock.now().getTime(), message }] });
    this.changed();
    return message;
  }

  /** Shows a message to one person only. */
  postEphemeral(channel: string, person: string, draft: Draft, user?: string): Message {
    const message = this.compose(channel, draft, user);
    this.ephemerals.push({ person, message });
    this.changed();
    return message;
  }

  /** Makes a message without showing it to anybody. */
  compose(channel: string, draft: Draft, user?: string): Message {
    const author = user
      ? { user }
      : { user: this.bot.user, bot_id: this.bot.id, app_id: this.appId, team: this.team.id };
    const { text, blocks, metadata, thread_ts, files } = draft;
    const ts = this.nextTs();
    return {
      type: "message",
      channel,
      ts,
      ...author,
      text,
      ...(blocks && { blocks: withIds(blocks) }),
      ...(metadata && { metadata }),
      ...(thread_ts && { thread_ts }),
      ...(files && { files }),
    };
  }

  /** Replaces what a message says; undefined deletes it. */
  replace(channel: string, ts: string, message: Message | undefined): void {
    const at = this.#clock.now().getTime();
    this.#kept.find((kept) => kept.channel === channel && kept.ts === ts)?.versions.push({ at, message });
    this.changed();
  }

  /** Finds one message, as it was so many seconds ago. */
  find(channel: string, ts: string, lagSeconds = 0): Message | undefined {
    const kept = this.#kept.find((one) => one.channel === channel && one.ts === ts);
    return kept && this.#asOf(kept, lagSeconds);
  }

  /** Lists the messages of a channel that start a thread or belong to none, oldest first. */
  messages(channel: string, lagSeconds = 0): Message[] {
    const all = this.all(lagSeconds).filter((message) => message.channel === channel);
    return all
      .filter((message) => !message.thread_ts || message.thread_ts === message.ts)
      .map((message) => {
        const replies = all.filter((reply) => reply.thread_ts === message.ts && reply.ts !== message.ts);
        const last = replies.at(-1);
        if (!last) return message;
        return { ...message, thread_ts: message.ts, reply_count: replies.length, latest_reply: last.ts };
      });
  }

  /** Lists a message and its answers, oldest first. */
  thread(channel: string, ts: string, lagSeconds = 0): Message[] {
    const parent = this.messages(channel, lagSeconds).find((message) => message.ts === ts);
    if (!parent) return [];
    const replies = this.all(lagSeconds).filter(
      (message) => message.channel === channel && message.thread_ts === ts && message.ts !== ts,
    );
    return [parent, ...replies];
  }

  /** Lists every message of every channel, oldest first. */
  all(lagSeconds = 0): Message[] {
    return this.#kept.flatMap((kept) => this.#asOf(kept, lagSeconds) ?? []);
  }

  #asOf(kept: Kept, lagSeconds: number): Message | undefined {
    const until = this.#clock.now().getTime() - lagSeconds * 1000;
    return kept.versions.findLast(({ at }) => at <= until)?.message;
  }
}

/** Gives blocks and their elements the ids Slack gives to those that came without. */
export function withIds(blocks: Json[]): Json[] {
  const id = () => randomBytes(4).toString("base64url").slice(0, 5);
  const named = (element: unknown) =>
    isJson(element) && element.type !== "mrkdwn" && element.type !== "plain_text" && element.type !== "image"
      ? { action_id: id(), ...element }
      : element;
  return blocks.map((block) => ({
    block_id: id(),
    ...block,
    ...(isJson(block.accessory) && { accessory: named(block.accessory) }),
    ...(isJson(block.element) && { element: named(block.element) }),
    ...(block.type === "actions" && Array.isArray(block.elements) && { elements: block.elements.map(named) }),
  }));
}

/** Tells whether a value is a JSON object. */
export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
