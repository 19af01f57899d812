import { withoutMetadata } from "./slack-chat.ts";
import { blockComplaints } from "./slack-blocks.ts";
import { channelOf, type Method, type Params, Refusal, type Slackdom } from "./slack-method.ts";
import { type Json, type LabChannel, type LabPerson, type Message, workspaceOf } from "./slack-workspace.ts";

/** Cuts a list of messages to the page that a call asks for. The cursor is the number of those already shown. */
function page(messages: Message[], params: Params, mostPerPage: number): Json {
  const oldest = params.text("oldest") ?? "0";
  const latest = params.text("latest") ?? "9999999999.999999";
  const inclusive = params.flag("inclusive");
  const within = messages.filter(({ ts }) => {
    const after = Number(ts) > Number(oldest) || (inclusive && ts === oldest);
    return after && (Number(ts) < Number(latest) || (inclusive && ts === latest));
  });
  const from = params.number("cursor", 0);
  const limit = Math.min(params.number("limit", 100), mostPerPage);
  const shown = within.slice(from, from + limit);
  const more = from + limit < within.length;
  return {
    messages: params.flag("include_all_metadata") ? shown : shown.map(withoutMetadata),
    has_more: more,
    response_metadata: { next_cursor: more ? String(from + limit) : "" },
  };
}

/**
 * Demands the scope that reading a channel takes, public or private.
 * @throws Refusal missing_scope
 * @see https://docs.slack.dev/reference/methods/conversations.list/
 */
function demand({ knobs: { scopes } }: Slackdom, what: "history" | "read", channel: Partial<LabChannel>): void {
  const needed = `${channel.isPrivate ? "groups" : "channels"}:${what}`;
  if (channel.im || scopes.has(needed)) return;
  throw new Refusal("missing_scope", { needed, provided: [...scopes].join(",") });
}

function describeChannel(slack: Slackdom, channel: LabChannel): Json {
  if (channel.im) return { id: channel.id, is_im: true, user: channel.im, is_archived: false };
  return {
    id: channel.id,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: !channel.isPrivate,
    is_private: channel.isPrivate ?? false,
    is_im: false,
    is_archived: channel.isArchived ?? false,
    is_member: channel.botIsMember ?? true,
    context_team_id: slack.workspace.team.id,
  };
}

/** Describes a member as users.info does: https://docs.slack.dev/reference/objects/user-object/ */
function describePerson(slack: Slackdom, person: LabPerson): Json {
  const own = slack.workspace.team.id;
  const home = person.team ?? own;
  return {
    id: person.id,
    team_id: home,
    name: person.name,
    real_name: person.name,
    deleted: person.deleted ?? false,
    is_bot: person.bot ?? false,
    is_app_user: false,
    is_restricted: person.guest ?? false,
    is_ultra_restricted: false,
    ...(workspaceOf(person, own) !== own && { is_stranger: true }),
    ...(person.teams && { enterprise_user: { id: person.id, enterprise_id: "E01", teams: person.teams } }),
    profile: { display_name: person.name, real_name: person.name, email: person.email, team: home },
  };
}

/** The methods that only look. */
export const lookMethods: Record<string, Method> = {
  "auth.test": {
    tier: "special",
    run: ({ workspace, ...slack }) => ({
      url: slack.homeUrl(),
      team: workspace.team.name,
      user: workspace.bot.name,
      team_id: workspace.team.id,
      user_id: workspace.bot.user,
      bot_id: workspace.bot.id,
      is_enterprise_install: false,
    }),
  },
  "apps.connections.open": { tier: 3, token: "app", run: (slack) => ({ url: slack.socketUrl() }) },
  "conversations.history": {
    tier: 3,
    run(slack, params) {
      const channel = channelOf(slack, params);
      demand(slack, "history", channel);
      if (channel.botIsMember === false) throw new Refusal("not_in_channel");
      const newestFirst = slack.workspace.messages(channel.id, slack.knobs.readLagSeconds).toReversed();
      return page(newestFirst, params, 999);
    },
  },
  "conversations.replies": {
    tier: 3,
    run(slack, params) {
      const channel = channelOf(slack, params);
      demand(slack, "history", channel);
      if (channel.botIsMember === false) throw new Refusal("not_in_channel");
      const ts = params.need("ts", "thread_not_found");
      const thread = slack.workspace.thread(channel.id, ts, slack.knobs.readLagSeconds);
      if (thread.length === 0) throw new Refusal("thread_not_found");
      return page(thread, params, 999);
    },
  },
  "conversations.info": {
    tier: 3,
    run(slack, params) {
      const channel = channelOf(slack, params);
      demand(slack, "read", channel);
      return { channel: describeChannel(slack, channel) };
    },
  },
  "conversations.list": {
    tier: 2,
    run(slack, params) {
      const types = (params.text("types") ?? "public_channel").split(",");
      for (const type of types) demand(slack, "read", { isPrivate: type === "private_channel" });
      const channels = [...slack.workspace.channels.values()].filter((channel) => !channel.im);
      return {
        channels: channels.map((channel) => describeChannel(slack, channel)),
        response_metadata: { next_cursor: "" },
      };
    },
  },
  "users.conversations": {
    tier: 3,
    // https://docs.slack.dev/reference/methods/users.conversations/
    run(slack, params) {
      const types = (params.text("types") ?? "public_channel").split(",");
      for (const type of types) demand(slack, "read", { isPrivate: type === "private_channel" });
      const own = [...slack.workspace.channels.values()].filter(
        ({ im, botIsMember, isArchived, isPrivate }) =>
          !im &&
          botIsMember !== false &&
          !(isArchived && params.flag("exclude_archived")) &&
          types.includes(isPrivate ? "private_channel" : "public_channel"),
      );
      const from = params.number("cursor", 0);
      const to = from + Math.min(params.number("limit", 100), 999);
      return {
        channels: own.slice(from, to).map((channel) => describeChannel(slack, channel)),
        response_metadata: { next_cursor: to < own.length ? String(to) : "" },
      };
    },
  },
  "conversations.open": {
    tier: 3,
    changes: true,
    run(slack, params) {
      const user = params.need("users", "users_list_not_supplied").split(",")[0] ?? "";
      const channel = slack.workspace.persons.has(user) ? slack.workspace.findChannel(user) : undefined;
      if (!channel) throw new Refusal("user_not_found");
      return { channel: describeChannel(slack, channel) };
    },
  },
  "users.info": {
    tier: 4,
    run(slack, params) {
      const person = slack.workspace.persons.get(params.need("user", "user_not_found"));
      if (!person) throw new Refusal("user_not_found");
      return { user: describePerson(slack, person) };
    },
  },
  "users.list": {
    tier: 2,
    run: (slack) => ({
      members: [...slack.workspace.persons.values()].map((person) => describePerson(slack, person)),
      response_metadata: { next_cursor: "" },
    }),
  },
  "users.lookupByEmail": {
    tier: 3,
    run(slack, params) {
      const email = params.need("email", "users_not_found").toLowerCase();
      const person = [...slack.workspace.persons.values()].find((one) => one.email.toLowerCase() === email);
      if (!person || person.deleted) throw new Refusal("users_not_found");
      return { user: describePerson(slack, person) };
    },
  },
  "usergroups.users.list": {
    tier: 2,
    run(slack, params) {
      const users = slack.workspace.usergroups.get(params.need("usergroup", "no_such_subteam"));
      if (!users) throw new Refusal("no_such_subteam");
      return { users };
    },
  },
  "blocks.validate": {
    tier: 4,
    run(slack, params) {
      const errors = blockComplaints(
        params.json("blocks", "invalid_blocks_format"),
        "message",
        slack.knobs.refusesPlanBlocks,
      );
      if (errors.length === 0) return {};
      const messages = errors.map((error) => `[ERROR] ${error}`);
      throw new Refusal("invalid_blocks", { errors, response_metadata: { messages } });
    },
  },
};
