import { blockComplaints, mostBlockCharacters } from "./slack-blocks.ts";
import { channelOf, type Method, type Params, Refusal, type Slackdom, writableChannelOf } from "./slack-method.ts";
import { type Draft, isJson, type Json, type Message } from "./slack-workspace.ts";

/** Longer texts are cut when posted, and refused when edited. */
const mostPosted = 40_000;
const mostEdited = 4_000;

/** Reads what a message is to say. @throws Refusal as Slack does for blocks, texts and metadata it does not take. */
export function draftOf(slack: Slackdom, params: Params): Draft {
  const blocks = params.json("blocks", "invalid_blocks_format");
  const metadata = metadataOf(params);
  const text = params.text("text");
  if (text === undefined && blocks === undefined) throw new Refusal("no_text");
  if (blocks !== undefined) refuseBadBlocks(slack, blocks);
  const thread = params.text("thread_ts");
  return {
    text: (text ?? "").slice(0, mostPosted),
    ...(Array.isArray(blocks) && { blocks: blocks as Json[] }),
    ...(metadata && { metadata }),
    ...(thread && { thread_ts: thread }),
  };
}

function refuseBadBlocks(slack: Slackdom, blocks: unknown): void {
  if (!Array.isArray(blocks)) throw new Refusal("invalid_blocks_format");
  if (JSON.stringify(blocks).length > mostBlockCharacters) throw new Refusal("msg_blocks_too_long");
  const errors = blockComplaints(blocks, "message", slack.knobs.refusesPlanBlocks);
  if (errors.length === 0) return;
  const messages = errors.map((error) => `[ERROR] ${error}`);
  throw new Refusal("invalid_blocks", { errors, response_metadata: { messages } });
}

function metadataOf(params: Params): Json | undefined {
  const metadata = params.object("metadata", "invalid_metadata_format");
  if (!metadata) return undefined;
  if (typeof metadata.event_type !== "string" || !isJson(metadata.event_payload)) {
    throw new Refusal("invalid_metadata_format");
  }
  if (JSON.stringify(metadata).length > 8000) throw new Refusal("metadata_too_large");
  return metadata;
}

/** Names what a new message is, so that the same one posted twice shows in the log. */
function wanted({ metadata, text }: Draft): string {
  return metadata ? `${String(metadata.event_type)} ${JSON.stringify(metadata.event_payload)}` : text;
}

/** What a caller who did not ask for metadata is shown. */
export function withoutMetadata(message: Message): Json {
  const shown: Json = { ...message };
  delete shown.metadata;
  return shown;
}

function ownMessage(slack: Slackdom, params: Params, refusal: string): Message {
  const channel = writableChannelOf(slack, params);
  const message = slack.workspace.find(channel.id, params.need("ts", "message_not_found"));
  if (!message) throw new Refusal("message_not_found");
  if (message.bot_id !== slack.workspace.bot.id) throw new Refusal(refusal);
  return message;
}

/** The methods that speak. */
export const chatMethods: Record<string, Method> = {
  "chat.postMessage": {
    tier: "special",
    changes: true,
    run(slack, params, request) {
      const channel = writableChannelOf(slack, params);
      const draft = draftOf(slack, params);
      if (draft.thread_ts && !slack.workspace.find(channel.id, draft.thread_ts)) throw new Refusal("thread_not_found");
      const message = slack.workspace.post(channel.id, draft);
      request.effects.push({ target: `${channel.id}/${draft.thread_ts ?? ""}`, wanted: wanted(draft) });
      return { channel: channel.id, ts: message.ts, message };
    },
  },
  "chat.update": {
    tier: 3,
    changes: true,
    run(slack, params) {
      const { workspace } = slack;
      // https://docs.slack.dev/reference/methods/chat.update/#errors
      if (channelOf(slack, params).isArchived) throw new Refusal("is_inactive");
      const before = ownMessage(slack, params, "cant_update_message");
      if ((params.text("text")?.length ?? 0) > mostEdited) throw new Refusal("msg_too_long");
      const { text, blocks, metadata } = draftOf(slack, params);
      const { blocks: old, ...kept } = before;
      // Blocks that are not sent again stay only where no text is sent either, as Slack has it.
      const drawn = blocks ? workspace.compose(before.channel, { text, blocks }).blocks : undefined;
      const after: Message = {
        ...kept,
        text,
        edited: { user: workspace.bot.user, ts: workspace.nextTs() },
        ...(drawn ? { blocks: drawn } : params.text("text") === undefined && old && { blocks: old }),
        ...(metadata && { metadata }),
      };
      workspace.replace(before.channel, before.ts, after);
      return { channel: before.channel, ts: before.ts, text, message: after };
    },
  },
  "chat.delete": {
    tier: 3,
    changes: true,
    run(slack, params) {
      const message = ownMessage(slack, params, "cant_delete_message");
      slack.workspace.replace(message.channel, message.ts, undefined);
      return { channel: message.channel, ts: message.ts };
    },
  },
  "chat.postEphemeral": {
    tier: 4,
    changes: true,
    run(slack, params) {
      const channel = writableChannelOf(slack, params);
      const person = slack.workspace.persons.get(params.need("user", "user_not_in_channel"));
      if (!person || person.deleted) throw new Refusal("user_not_in_channel");
      const message = slack.workspace.postEphemeral(channel.id, person.id, draftOf(slack, params));
      return { message_ts: message.ts };
    },
  },
  "chat.getPermalink": {
    tier: "special",
    run(slack, params) {
      const channel = channelOf(slack, params);
      const ts = params.need("message_ts", "message_not_found");
      const message = slack.workspace.find(channel.id, ts);
      if (!message) throw new Refusal("message_not_found");
      const thread = message.thread_ts && message.thread_ts !== ts;
      const place = thread ? `?thread_ts=${message.thread_ts}&cid=${channel.id}` : "";
      return {
        channel: channel.id,
        permalink: `${slack.homeUrl()}archives/${channel.id}/p${ts.replace(".", "")}${place}`,
      };
    },
  },
  "reactions.add": {
    tier: 3,
    changes: true,
    run(slack, params) {
      const channel = writableChannelOf(slack, params);
      const name = params.need("name", "invalid_name");
      const message = slack.workspace.find(channel.id, params.need("timestamp", "no_item_specified"));
      if (!message) throw new Refusal("message_not_found");
      const user = slack.workspace.bot.user;
      const reactions = message.reactions ?? [];
      const same = reactions.find((reaction) => reaction.name === name);
      if (same?.users.includes(user)) throw new Refusal("already_reacted");
      const users = [...(same?.users ?? []), user];
      const others = reactions.filter((reaction) => reaction !== same);
      slack.workspace.replace(channel.id, message.ts, {
        ...message,
        reactions: [...others, { name, users, count: users.length }],
      });
      return {};
    },
  },
};
