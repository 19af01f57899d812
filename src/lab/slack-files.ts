import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { SlackKnobs } from "./slack-knobs.ts";
import { type Method, type Params, Refusal, type Slackdom } from "./slack-method.ts";
import { isJson, type Json, type LabChannel, type Workspace } from "./slack-workspace.ts";

/** A file on its way, or shared. */
type Kept = { id: string; name: string; length: number; alt: string; ticket: string; bytes?: Buffer; deleted?: true };

/** The files of a workspace: uploaded in three calls, of which only the last makes one seen, a moment after its answer. */
export class SlackFiles {
  readonly #kept = new Map<string, Kept>();
  readonly #workspace: Workspace;
  readonly #clock: Clock;
  readonly #knobs: SlackKnobs;
  readonly #closed = new AbortController();

  constructor({ workspace, clock, knobs }: { workspace: Workspace; clock: Clock; knobs: SlackKnobs }) {
    this.#workspace = workspace;
    this.#clock = clock;
    this.#knobs = knobs;
  }

  /** Makes a place for one upload. */
  open(name: string, length: number, alt: string): Kept {
    const id = `F${randomBytes(5).toString("hex").toUpperCase()}`;
    const kept = { id, name, length, alt, ticket: randomBytes(12).toString("hex") };
    this.#kept.set(id, kept);
    return kept;
  }

  /** Takes the bytes of an upload. Returns false where nobody was given that ticket, or for another length. */
  take(ticket: string, bytes: Buffer): boolean {
    const kept = [...this.#kept.values()].find((one) => one.ticket === ticket && !one.bytes && !one.deleted);
    if (!kept || bytes.length !== kept.length) return false;
    kept.bytes = bytes;
    return true;
  }

  /** Finds a file that was uploaded and is not deleted. */
  find(id: string): (Kept & { bytes: Buffer }) | undefined {
    const kept = this.#kept.get(id);
    return kept?.bytes && !kept.deleted ? { ...kept, bytes: kept.bytes } : undefined;
  }

  /** Shows a file in a channel, as often as it is asked to; at once, or when the knob says. */
  share(file: Kept, title: string, where: { channel: LabChannel; thread?: string | undefined; text: string }): void {
    const post = () => {
      if (this.#kept.get(file.id)?.deleted) return;
      const { channel, thread, text } = where;
      const shown = {
        id: file.id,
        name: file.name,
        title,
        alt_txt: file.alt,
        mimetype: "image/png",
        size: file.length,
      };
      this.#workspace.post(channel.id, { text, files: [shown], ...(thread && { thread_ts: thread }) });
    };
    if (this.#knobs.sharesAfterSeconds === 0) return post();
    this.#clock.sleep(this.#knobs.sharesAfterSeconds, this.#closed.signal).then(post, () => undefined);
  }

  /** Deletes a file; messages that showed it show that it is gone. */
  delete(file: Kept): void {
    const kept = this.#kept.get(file.id);
    if (kept) kept.deleted = true;
    for (const message of this.#workspace.all()) {
      if (!message.files?.some(({ id }) => id === file.id)) continue;
      const files = [{ id: file.id, mode: "tombstone" as const }];
      this.#workspace.replace(message.channel, message.ts, { ...message, files });
    }
  }

  /** Shares nothing any more. */
  close(): void {
    this.#closed.abort();
  }
}

/** Reads whom a file is for. @throws Refusal in the words these methods have for it */
function placeOf({ workspace }: Slackdom, params: Params): LabChannel {
  const channel = workspace.channels.get(params.need("channel_id"));
  if (!channel || channel.botIsMember === false) throw new Refusal("invalid_channel");
  if (channel.isArchived) throw new Refusal("posting_to_channel_denied");
  return channel;
}

function refuseUploads({ knobs }: Slackdom): void {
  if (knobs.uploadsRefused) throw new Refusal(knobs.uploadsRefused);
}

/** The methods that bring files. @see https://docs.slack.dev/messaging/working-with-files/ */
export const fileMethods: Record<string, Method> = {
  "files.getUploadURLExternal": {
    tier: 4,
    changes: true,
    run(slack, params) {
      refuseUploads(slack);
      const length = params.number("length", 0);
      if (length <= 0) throw new Refusal("missing_argument");
      const alt = params.text("alt_txt") ?? "";
      if (alt.length > 1000) throw new Refusal("alt_txt_too_large");
      const { id, ticket } = slack.files.open(params.need("filename"), length, alt);
      return { upload_url: `${slack.homeUrl()}upload/v1/${ticket}`, file_id: id };
    },
  },
  "files.completeUploadExternal": {
    tier: 4,
    changes: true,
    run(slack, params, request) {
      refuseUploads(slack);
      const [named] = filesOf(params);
      const file = slack.files.find(String(named?.id));
      if (!file) throw new Refusal("file_not_found");
      const title = typeof named?.title === "string" ? named.title : file.name;
      const channel = placeOf(slack, params);
      const thread = params.text("thread_ts");
      if (thread && !slack.workspace.find(channel.id, thread)) throw new Refusal("thread_not_found");
      slack.files.share(file, title, { channel, thread, text: params.text("initial_comment") ?? "" });
      request.effects.push({ target: `${channel.id}/${thread ?? ""}`, wanted: `file ${file.name}` });
      return { files: [{ id: file.id, title }] };
    },
  },
  "files.delete": {
    tier: 3,
    changes: true,
    run(slack, params) {
      const file = slack.files.find(params.need("file", "file_not_found"));
      if (!file) throw new Refusal("file_not_found");
      slack.files.delete(file);
      return {};
    },
  },
};

function filesOf(params: Params): Json[] {
  const files = params.json("files", "invalid_arguments");
  if (!Array.isArray(files) || files.length === 0 || !files.every(isJson)) throw new Refusal("invalid_arguments");
  return files;
}
