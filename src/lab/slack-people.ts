import { randomBytes } from "node:crypto";
import { find, type Pressable } from "./slack-pressable.ts";
import type { Slackdom } from "./slack-method.ts";
import { answer, type Responses } from "./slack-responses.ts";
import type { RequestUrl } from "./slack-requests.ts";
import type { Delivery, Envelope, SocketMode } from "./slack-socket.ts";
import { type Json, type LabChannel, type LabPerson, workspaceOf } from "./slack-workspace.ts";

type Options = {
  slack: Slackdom;
  /** How the app is reached now. */
  way: () => SocketMode | RequestUrl;
  responses: Responses;
  baseUrl: () => string;
  /** The slash commands of the app; undefined takes any. */
  commands: readonly string[] | undefined;
};

export type PressOptions = {
  /** Which message; without it, the newest that has such a button and that the person can see. */
  messageTs?: string;
  channel?: string;
  /** The option to choose, for selects whose label was given as the button's text. */
  option?: string;
  /** What the person says when asked whether they are sure; default yes. */
  confirm?: boolean;
};

/** What people do in the workspace, sent to the app as Slack sends it. */
export class People {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Types a slash command in a channel. Resolves when the app acknowledged it, or did not. */
  async types(personId: string, channelId: string, text: string): Promise<Delivery> {
    const { slack, responses, commands } = this.#options;
    const { workspace } = slack;
    const person = this.person(personId);
    const channel = this.channel(channelId);
    const [command = "", ...rest] = text.split(" ");
    if (!command.startsWith("/") || (commands && !commands.includes(command))) {
      throw new Error(`${command} is not a slash command of this workspace`);
    }
    const to = { person: person.id, channel: channel.id };
    const delivery = await this.#deliver("slash_commands", `command ${command}`, channel.id, {
      ...this.#common(person),
      team_id: workspaceOf(person, workspace.team.id),
      team_domain: workspace.team.domain,
      is_enterprise_install: "false",
      channel_id: channel.id,
      channel_name: channel.im ? "directmessage" : channel.isPrivate ? "privategroup" : channel.name,
      user_id: person.id,
      user_name: person.name,
      command,
      text: rest.join(" "),
      response_url: this.#options.baseUrl() + responses.open("commands", to, workspace.team.id),
    });
    if (!delivery.acknowledged) this.#complain(to, `${command} failed because the app did not respond.`);
    else if (delivery.answer.text || delivery.answer.blocks) answer(slack, to, delivery.answer);
    return delivery;
  }

  /** Presses a button, or chooses an option, by what is written on it. */
  async presses(personId: string, label: string, options: PressOptions = {}): Promise<Delivery> {
    const person = this.person(personId);
    const found = find(this.#options.slack, person.id, label, options);
    if (!found) throw new Error(`${person.name} sees nothing to press that says "${label}"`);
    if (options.confirm === false && found.element.confirm)
      throw new Error(`${person.name} did not confirm "${label}"`);
    return this.act(person.id, found);
  }

  /** Sends what pressing this very element sends. */
  async act(personId: string, pressed: Pressable): Promise<Delivery> {
    const { slack, responses } = this.#options;
    const { workspace } = slack;
    const person = this.person(personId);
    const action = { ...pressed.element, ...pressed.chosen, action_ts: workspace.nextTs() };
    const common = { type: "block_actions", ...this.#interactive(person), actions: [action] };
    if ("view" in pressed) {
      const { view } = pressed;
      const container = { type: "view", view_id: view.id };
      return this.#deliver("interactive", "block_actions", view.id, { ...common, container, view });
    }
    const { message, ephemeral } = pressed;
    const { channel: channelId, ts, thread_ts: thread } = message;
    const channel = this.channel(channelId);
    const to = { person: person.id, channel: channelId, about: { ts, ephemeral, thread } };
    const delivery = await this.#deliver("interactive", "block_actions", channelId, {
      ...common,
      container: {
        type: "message",
        message_ts: ts,
        channel_id: channelId,
        is_ephemeral: ephemeral,
        ...(thread && { thread_ts: thread }),
      },
      channel: { id: channelId, name: channel.im ? "directmessage" : channel.name },
      ...(!ephemeral && { message }),
      state: { values: {} },
      response_url: this.#options.baseUrl() + responses.open("actions", to, workspace.team.id),
    });
    if (!delivery.acknowledged) this.#complain(to, "This app is not responding to your click. Try again in a moment.");
    return delivery;
  }

  /** Writes an ordinary message, which the app hears of as an event, tried again after 0, 60 and 300 seconds. */
  async writes(personId: string, channelId: string, text: string, threadTs?: string): Promise<Delivery> {
    const { slack } = this.#options;
    const { workspace } = slack;
    const person = this.person(personId);
    const draft = { text, ...(threadTs && { thread_ts: threadTs }) };
    const message = workspace.post(this.channel(channelId).id, draft, person.id);
    const mentioned = text.includes(`<@${workspace.bot.user}>`);
    const { blocks: _, ...event } = { ...message, event_ts: message.ts, channel_type: "channel" };
    return this.event({ ...event, team: workspace.team.id, type: mentioned ? "app_mention" : "message" });
  }

  /** Sends an event to the app, with Slack's retries. Resolves with the last try. */
  async event(event: Json): Promise<Delivery> {
    const { slack, way } = this.#options;
    const { workspace } = slack;
    const payload = {
      token: "verification",
      team_id: workspace.team.id,
      api_app_id: workspace.appId,
      type: "event_callback",
      event,
      event_id: `Ev${id()}`,
      event_time: Math.floor(slack.clock.now().getTime() / 1000),
      authorizations: [{ team_id: workspace.team.id, user_id: workspace.bot.user, is_bot: true, enterprise_id: null }],
      is_ext_shared_channel: false,
    };
    const envelope: Envelope = { type: "events_api", payload, accepts_response_payload: false, retry_attempt: 0 };
    const place = typeof event.channel === "string" ? event.channel : "";
    let delivery = await way().deliver(envelope, `event ${String(event.type)}`, place);
    for (const [index, waitSeconds] of [0, 60, 300].entries()) {
      if (delivery.acknowledged || delivery.noRetry) return delivery;
      const waited = await slack.clock.sleep(waitSeconds, way().closing).then(
        () => true,
        () => false,
      );
      if (!waited) return delivery;
      const again = { ...envelope, retry_attempt: index + 1, retry_reason: "timeout" };
      delivery = await way().deliver(again, `event ${String(event.type)}`, place);
    }
    return delivery;
  }

  /** Sends once more what was sent before, word for word: a captured click, or Slack delivering twice. */
  replay(delivery: Delivery): Promise<Delivery> {
    return this.#options.way().again(delivery);
  }

  /** Sends an interaction that a modal caused. */
  sendView(person: LabPerson, type: "view_submission" | "view_closed", view: Json): Promise<Delivery> {
    return this.#deliver("interactive", type, String(view.id), {
      type,
      ...this.#interactive(person),
      view,
      response_urls: [],
      ...(type === "view_closed" && { is_cleared: false }),
    });
  }

  /** Finds a person. @throws Error when there is none */
  person(id: string): LabPerson {
    const person = this.#options.slack.workspace.persons.get(id);
    if (!person) throw new Error(`nobody in this workspace has the id ${id}`);
    return person;
  }

  /** Finds a channel by id or #name. @throws Error when there is none */
  channel(id: string): LabChannel {
    const channel = this.#options.slack.workspace.findChannel(id);
    if (!channel) throw new Error(`no channel of this workspace is called ${id}`);
    return channel;
  }

  #deliver(type: Envelope["type"], action: string, resource: string, payload: Json): Promise<Delivery> {
    const accepts_response_payload = type === "slash_commands" || action === "view_submission";
    return this.#options.way().deliver({ type, payload, accepts_response_payload }, action, resource);
  }

  #complain(to: { person: string; channel: string }, text: string): void {
    this.#options.slack.workspace.postEphemeral(to.channel, to.person, { text }, "USLACKBOT");
  }

  #interactive(person: LabPerson): Json {
    const { team } = this.#options.slack.workspace;
    const team_id = workspaceOf(person, team.id);
    return {
      ...this.#common(person),
      user: { id: person.id, username: person.name, name: person.name, team_id },
      team: { id: team_id, domain: team.domain },
      enterprise: null,
      is_enterprise_install: false,
    };
  }

  #common(person: LabPerson): Json {
    const { workspace, views } = this.#options.slack;
    return { token: "verification", api_app_id: workspace.appId, trigger_id: views.newTrigger(person.id) };
  }
}

function id(): string {
  return randomBytes(5).toString("hex").toUpperCase();
}
