import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { SocketModeClient } from "@slack/socket-mode";
import { once } from "node:events";
import { WebSocket } from "ws";
import type { Slack } from "../../src/lab/slack.ts";
import { logger, newWeb, openWorkspace, until } from "./slack-clients.ts";

let slack: Slack;

beforeEach(async () => {
  ({ slack } = await openWorkspace("127.207.0.1"));
});
afterEach(() => slack.close());

describe("the lab's Socket Mode", () => {
  it("gives a payload to one of its connections, and asks them to come again", async () => {
    const clients = Array.from({ length: 3 }, newSocket);
    const heard: number[] = [];
    clients.forEach((client, index) => acknowledge(client, () => heard.push(index)));
    await Promise.all(clients.map((client) => client.start()));
    expect(slack.sockets.connections).toBe(3);
    for (let count = 0; count < 12; count += 1) await slack.types("U01", "C01", "/muster runs");
    expect(heard).toHaveLength(12);
    expect(new Set(heard).size).toBeGreaterThan(1);

    slack.sockets.refresh();
    await until(() => slack.sockets.connections === 0);
    await until(() => slack.sockets.connections === 3);
    expect((await slack.types("U01", "C01", "/muster runs")).acknowledged).toBe(true);
    await Promise.all(clients.map((client) => client.disconnect()));
    expect(await slack.types("U01", "C01", "/muster runs")).toMatchObject({ failure: "no app is connected" });
  });

  it("takes ten connections and no more, each with a fresh ticket", async () => {
    const hello = async (url: string) => {
      const socket = new WebSocket(url);
      const [data] = (await once(socket, "message")) as [Buffer];
      return JSON.parse(data.toString()) as unknown;
    };
    const newUrl = async () => (await newWeb(slack, slack.appToken).apps.connections.open({})).url!;
    const first = await newUrl();
    for (let count = 1; count <= 10; count += 1) {
      expect(await hello(count === 1 ? first : await newUrl())).toMatchObject({
        type: "hello",
        num_connections: count,
      });
    }
    expect(await hello(await newUrl())).toEqual({ type: "disconnect", reason: "too_many_websockets" });
    expect(slack.sockets.connections).toBe(10);
    await expect(hello(first)).rejects.toThrow("403");
  });

  it("can go deaf without closing, or be refused with a 429", async () => {
    const client = newSocket();
    acknowledge(client);
    await client.start();
    slack.sockets.deafen("payloads");
    expect((await slack.types("U01", "C01", "/muster runs")).acknowledged).toBe(false);
    expect(slack.sockets.connections).toBe(1);
    await client.disconnect();
    slack.knobs.next("apps.connections.open", "throttle");
    await expect(newWeb(slack, slack.appToken).apps.connections.open({})).rejects.toMatchObject({ retryAfter: 30 });
    slack.knobs.tokenRefused = "invalid_auth";
    await expect(newSocket().start()).rejects.toThrow("invalid_auth");
  });
});

/** Acknowledges every command that a client hears. */
function acknowledge(client: SocketModeClient, first: () => void = () => {}): void {
  client.on("slash_commands", ({ ack }: { ack: () => Promise<void> }) => {
    first();
    ack().catch((error: unknown) => client.emit("error", error as Error));
  });
}

function newSocket(): SocketModeClient {
  const clientOptions = { slackApiUrl: slack.apiUrl };
  return new SocketModeClient({ appToken: slack.appToken, logger, clientPingTimeout: 2000, clientOptions });
}
