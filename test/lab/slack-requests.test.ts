import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { App, HTTPReceiver } from "@slack/bolt";
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { RequestLog } from "../../src/lab/request-log.ts";
import type { Slack } from "../../src/lab/slack.ts";
import { actions, button, logger, newWeb, openWorkspace } from "./slack-clients.ts";

let slack: Slack;
let log: RequestLog;
let server: Server | undefined;

beforeEach(async () => {
  ({ slack, log } = await openWorkspace("127.208.0.1"));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  await slack.close();
});

/** Has Slack post to a server of the test. */
async function listen(handle: RequestListener): Promise<void> {
  const opened = createServer(handle);
  server = opened;
  await new Promise<void>((resolve) => opened.listen(0, "127.0.0.1", resolve));
  const { port } = opened.address() as AddressInfo;
  slack.requests.url = () => `http://127.0.0.1:${port}/slack/events`;
}

describe("the lab's Slack, posting to an app", () => {
  it("is understood and believed by Slack's own receiver", async () => {
    const receiver = new HTTPReceiver({ signingSecret: slack.requests.signingSecret, logger });
    const app = new App({ receiver, token: slack.botToken, logger, clientOptions: { slackApiUrl: slack.apiUrl } });
    app.command("/failover", ({ ack, command }) => ack({ text: `heard ${command.text}` }));
    app.action("press", ({ ack, body, respond }) =>
      ack().then(async () => void (await respond({ text: `pressed by ${body.user.id}`, replace_original: false }))),
    );
    await listen((request, response) => receiver.requestListener(request, response));
    const typed = await slack.types("U01", "C01", "/failover us-west-2 & more");
    expect(typed).toMatchObject({ acknowledged: true, status: 200, answer: { text: "heard us-west-2 & more" } });
    const web = newWeb(slack);
    await web.chat.postMessage({ channel: "C01", text: "a card", blocks: [actions(button("Approve", "press"))] });
    expect(await slack.presses("U02", "Approve")).toMatchObject({ acknowledged: true, status: 200 });

    const { posted } = typed;
    const forged = await fetch(slack.requests.url?.() ?? "", {
      method: "POST",
      headers: { ...posted?.headers, "x-slack-signature": `v0=${"0".repeat(64)}` },
      body: posted?.body ?? "",
    });
    expect(forged.status).toBe(401);
  });

  it("tries an event again, and says so, until it is taken or the app asks it to stop", async () => {
    const seen: IncomingHttpHeaders[] = [];
    let answer = { status: 500, headers: {} };
    await listen((request, response) => {
      seen.push(request.headers);
      request.resume();
      response.writeHead(answer.status, answer.headers).end();
      answer = { status: 200, headers: {} };
    });
    await slack.writes("U01", "C01", "good morning");
    const numbers = () => seen.map((headers) => headers["x-slack-retry-num"]);
    expect(numbers()).toEqual([undefined, "1"]);
    expect(seen[1]?.["x-slack-retry-reason"]).toBe("http_timeout");
    answer = { status: 404, headers: { "x-slack-no-retry": "1" } };
    await slack.writes("U01", "C01", "good night");
    expect(numbers()).toEqual([undefined, "1", undefined]);
    expect(log.of("slack", "event message")).toHaveLength(3);
  });

  it("gives up on an app that is not there, and on one that says no", async () => {
    await listen((request, response) => {
      request.resume();
      response.writeHead(503).end();
    });
    expect(await slack.types("U01", "C01", "/failover")).toMatchObject({ acknowledged: false, status: 503 });
    slack.requests.url = () => undefined;
    expect(await slack.types("U01", "C01", "/failover")).toMatchObject({ failure: "no app is connected" });
    expect(slack.ephemerals("U01").at(-1)?.text).toBe("/failover failed because the app did not respond.");
  });
});
