import { shortlyBefore } from "./slack.ts";
import { ask, guarded, isSlacks, type SlackClient, type SlackContext } from "./slack-client.ts";
import { SlackFailed } from "./slack-trouble.ts";

/** A picture for people, with what screen readers say of it (at most 1,000 characters). */
export type Picture = { fileName: string; title: string; alt: string; png: Buffer };

/**
 * Asks for a place to upload a picture to, and uploads it. Nobody sees it before `shareFile`; one that is never shared is
 * dropped by Slack, so this may be repeated at will. Needs the scope files:write.
 * @throws SlackFailed; refused where the workspace or the token does not allow uploads.
 * @see https://docs.slack.dev/reference/methods/files.getUploadURLExternal/
 */
export async function uploadPicture(ctx: SlackContext, slack: SlackClient, picture: Picture): Promise<string> {
  const { fileName, alt, png } = picture;
  const answer = await askForFiles(ctx, slack, "files.getUploadURLExternal", {
    filename: fileName,
    length: png.length,
    alt_txt: alt.slice(0, 1000),
  });
  const url = String(answer.upload_url);
  if (!isSlacks(slack, url, "files.slack.com")) {
    throw new SlackFailed({ kind: "refused" }, "the address to upload to is not Slack's");
  }
  await guarded(ctx, slack, "upload", async (signal) => {
    const headers = { "content-type": "application/octet-stream" };
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: new Uint8Array(png),
      redirect: "error",
      signal,
    });
    await response.text();
    // Whatever became of it, nobody sees it: the next try begins with a new place.
    if (!response.ok) throw new SlackFailed({ kind: "retry", afterSeconds: 2 }, `status ${response.status}`);
  });
  return String(answer.file_id);
}

/**
 * Shares an uploaded file as an answer in a thread. Slack does so a moment after it has answered. Whether it may be
 * repeated for the same file is not written anywhere: take the file back with `deleteFile` instead.
 * @throws SlackFailed; doubtful where the file may be seen, now or in a moment.
 * @see https://docs.slack.dev/reference/methods/files.completeUploadExternal/
 */
export async function shareFile(
  ctx: SlackContext,
  slack: SlackClient,
  { fileId, title, channel, threadTs, comment }: ShareOptions,
): Promise<void> {
  await askForFiles(ctx, slack, "files.completeUploadExternal", {
    files: JSON.stringify([{ id: fileId, title }]),
    channel_id: channel,
    thread_ts: threadTs,
    initial_comment: ctx.redact(comment),
  });
}

export type ShareOptions = { fileId: string; title: string; channel: string; threadTs: string; comment: string };

/** Tells whether a file of ours stands in a thread. Looks at a thousand answers since then. @throws SlackFailed */
export async function isShared(
  ctx: SlackContext,
  slack: SlackClient,
  { channel, threadTs, fileId, since }: Pick<ShareOptions, "channel" | "threadTs" | "fileId"> & { since: Date },
): Promise<boolean> {
  let cursor = "";
  for (let page = 0; page < 10; page += 1) {
    const params = { channel, ts: threadTs, oldest: shortlyBefore(since), limit: 100, cursor };
    const answer = await ask(ctx, slack, "conversations.replies", params);
    const messages = (answer.messages ?? []) as { files?: { id?: string }[] }[];
    if (messages.some(({ files }) => files?.some(({ id }) => id === fileId))) return true;
    cursor = answer.response_metadata?.next_cursor ?? "";
    if (cursor === "") break;
  }
  return false;
}

/** Deletes a file of ours wherever it is shared, or would be in a moment; one that is gone already is deleted. @throws SlackFailed */
export async function deleteFile(ctx: SlackContext, slack: SlackClient, fileId: string): Promise<void> {
  try {
    await askForFiles(ctx, slack, "files.delete", { file: fileId });
  } catch (error) {
    const gone = ["file_not_found", "file_deleted"];
    if (!(error instanceof SlackFailed) || !gone.includes(error.message)) throw error;
  }
}

/**
 * A token that may post but not upload shuts nobody out: that one thing is refused. So is a file or a channel that Slack denies
 * ("access_denied": a resource that the request names). Keys that were taken away are no affair of the file.
 */
async function askForFiles(ctx: SlackContext, slack: SlackClient, method: string, params: Record<string, unknown>) {
  try {
    return await ask(ctx, slack, method, params);
  } catch (error) {
    const notAllowed = ["missing_scope", "access_denied", "no_permission"];
    if (!(error instanceof SlackFailed) || !notAllowed.includes(error.message)) throw error;
    throw new SlackFailed({ kind: "refused" }, error.message, { cause: error });
  }
}
