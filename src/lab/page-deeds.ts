import { setImmediate } from "node:timers/promises";
import type { Clock, Reading } from "../clock.ts";
import type { Switch } from "./page-world.ts";
import type { Answers, Slack } from "./slack.ts";
import { isJson, type Json } from "./slack-workspace.ts";

export type DeedOptions = {
  slack: Slack;
  switches: readonly Switch[];
  clock: Clock;
  moveClock: (reading: Reading) => void | Promise<void>;
};

/** What the browser sent is not what the page sends. */
export class BadRequest extends Error {}

const mostForwardSeconds = 24 * 3600;
const rates = [1, 10];

/** What a person can do in the page, by the last part of the address it is posted to. */
export const deeds: Record<string, (options: DeedOptions, body: Json) => Promise<Json>> = {
  async type({ slack }, body) {
    const { acknowledged } = await slack.types(text(body, "person"), text(body, "channel"), text(body, "text"));
    return { acknowledged };
  },
  async write({ slack }, body) {
    const thread = typeof body.thread === "string" ? body.thread : undefined;
    const told = slack.writes(text(body, "person"), text(body, "channel"), text(body, "text"), thread);
    // Slack may go on telling the app for minutes; whoever wrote the message does not wait for that.
    await Promise.race([told, setImmediate()]);
    return {};
  },
  async press({ slack }, body) {
    if (!isJson(body.at)) throw new BadRequest("at");
    const place = body.at.viewId
      ? { viewId: text(body.at, "viewId") }
      : { channel: text(body.at, "channel"), ts: text(body.at, "ts") };
    const at = { blockId: text(body.at, "blockId"), actionId: text(body.at, "actionId"), ...place };
    const option = typeof body.option === "string" ? body.option : undefined;
    const { acknowledged } = await slack.pressesAt(text(body, "person"), at, option);
    return { acknowledged };
  },
  async submit({ slack }, body) {
    if (!isJson(body.answers)) throw new BadRequest("answers");
    const { errors } = await slack.submits(text(body, "person"), body.answers as Answers);
    return { errors };
  },
  async close({ slack }, body) {
    await slack.closesView(text(body, "person"));
    return {};
  },
  async switch({ switches }, body) {
    const found = switches.find(({ id }) => id === body.id);
    if (!found || typeof body.on !== "boolean") throw new BadRequest("id, on");
    await found.set(body.on);
    return {};
  },
  async forward({ clock, moveClock }, body) {
    const seconds = Number(body.seconds);
    if (!(seconds > 0 && seconds <= mostForwardSeconds)) throw new BadRequest("seconds");
    await moveClock({ shows: new Date(clock.now().getTime() + seconds * 1000), rate: clock.rate });
    return {};
  },
  async rate({ clock, moveClock }, body) {
    const rate = Number(body.rate);
    if (!rates.includes(rate)) throw new BadRequest("rate");
    await moveClock({ shows: clock.now(), rate });
    return {};
  },
};

function text(body: Json, name: string): string {
  const value = body[name];
  if (typeof value !== "string" || value === "") throw new BadRequest(name);
  return value;
}
