import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { draftOf } from "./slack-chat.ts";
import { Params, Refusal, type Slackdom } from "./slack-method.ts";
import type { Json, Message } from "./slack-workspace.ts";

const mostUses = 5;
const lifeSeconds = 30 * 60;

type Address = {
  person: string;
  channel: string;
  uses: number;
  until: number;
  /** The message whose button was pressed, where there was one. */
  about?: { ts: string; ephemeral: boolean; thread?: string | undefined };
};

/** The response_urls that went out with commands and clicks: good for five answers within thirty minutes. */
export class Responses {
  readonly #addresses = new Map<string, Address>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes an address to answer at, and returns its path. */
  open(kind: "commands" | "actions", address: Omit<Address, "uses" | "until">, team: string): string {
    const path = `/${kind}/${team}/${randomBytes(12).toString("hex")}`;
    this.#addresses.set(path, { ...address, uses: 0, until: this.#clock.now().getTime() + lifeSeconds * 1000 });
    return path;
  }

  /** Finds whom an address answers. @throws Refusal used_url, expired_url */
  find(path: string): Address {
    const address = this.#addresses.get(path);
    if (!address || address.uses >= mostUses) throw new Refusal("used_url");
    if (this.#clock.now().getTime() > address.until) throw new Refusal("expired_url");
    return address;
  }

  /** Shows an answer that was sent to an address, and counts it. */
  answer(slack: Slackdom, path: string, body: Json): void {
    const address = this.find(path);
    address.uses += 1;
    answer(slack, address, body);
  }
}

/** Shows what an app says in return to one person: in an acknowledgement, or at a response_url. */
export function answer(slack: Slackdom, to: Omit<Address, "uses" | "until">, body: Json): Message | undefined {
  const { workspace } = slack;
  const { about } = to;
  if (body.delete_original && about) {
    remove(slack, to, about);
    return undefined;
  }
  const draft = draftOf(slack, new Params({ ...body, thread_ts: body.thread_ts ?? about?.thread }));
  if (body.replace_original && about) {
    const fresh = workspace.compose(to.channel, draft);
    if (!about.ephemeral) {
      const old = workspace.find(to.channel, about.ts);
      if (old) workspace.replace(to.channel, about.ts, { ...old, ...fresh, ts: about.ts });
      return undefined;
    }
    const seen = workspace.ephemerals.find(({ message }) => message.ts === about.ts);
    if (seen) seen.message = { ...fresh, ts: about.ts };
    workspace.changed();
    return seen?.message;
  }
  return body.response_type === "in_channel"
    ? workspace.post(to.channel, draft)
    : workspace.postEphemeral(to.channel, to.person, draft);
}

function remove(slack: Slackdom, to: { channel: string }, about: { ts: string; ephemeral: boolean }): void {
  const { workspace } = slack;
  if (!about.ephemeral) return workspace.replace(to.channel, about.ts, undefined);
  const index = workspace.ephemerals.findIndex(({ message }) => message.ts === about.ts);
  if (index >= 0) workspace.ephemerals.splice(index, 1);
  workspace.changed();
}
