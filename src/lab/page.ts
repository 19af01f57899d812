import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock, Reading } from "../clock.ts";
import { BadRequest, deeds } from "./page-deeds.ts";
import type { CompletedCommand, Switch, WorldView } from "./page-world.ts";
import type { Slack } from "./slack.ts";
import { isJson, type Json } from "./slack-workspace.ts";

export type { CompletedCommand, DnsAnswer, RegionView, Switch, WorldView } from "./page-world.ts";

export type PageOptions = {
  slack: Slack;
  /** Looks at both regions; called about once a second while somebody has the page open. */
  world: () => WorldView | Promise<WorldView>;
  switches: readonly Switch[];
  clock: Clock;
  /** Moves the lab's clock; default: this process's only. A lab with a database moves that row too. */
  moveClock?: (reading: Reading) => void | Promise<void>;
  commands?: readonly CompletedCommand[];
  host: string;
  /** 0 takes any free port. */
  port: number;
};

export type Page = { url: string; close(): Promise<void> };

const files: Record<string, { name: string; type: string }> = {
  "/": { name: "index.html", type: "text/html" },
  "/icon.svg": { name: "icon.svg", type: "image/svg+xml" },
  ...Object.fromEntries(
    ["page", "messages", "blocks", "forms", "world", "statuspage"].map((name) => [
      `/${name}.css`,
      { name: `${name}.css`, type: "text/css" },
    ]),
  ),
  ...Object.fromEntries(
    [
      "main",
      "dom",
      "mrkdwn",
      "blocks",
      "elements",
      "workspace",
      "modal",
      "overlay",
      "composer",
      "regions",
      "chart",
      "mailboxes",
      "statuspage",
    ].map((name) => [`/${name}.js`, { name: `${name}.js`, type: "text/javascript" }]),
  ),
};

const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

/** Serves the lab's page: a workspace one can use, and the two regions beside it. */
export async function openPage(options: PageOptions): Promise<Page> {
  const { slack, clock, switches, host } = options;
  const moveClock = options.moveClock ?? ((reading: Reading) => clock.set(reading));
  const readers = new Set<ServerResponse>();
  let due: NodeJS.Timeout | undefined;

  function tell(event: string, data: unknown, to: Iterable<ServerResponse> = readers): void {
    for (const reader of to) reader.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  async function tellWorld(to: Iterable<ServerResponse> = readers): Promise<void> {
    const time = { shows: clock.now().toISOString(), rate: clock.rate };
    const world = await options.world();
    tell("world", { world, clock: time, switches: switches.map(({ id, label, on }) => ({ id, label, on })) }, to);
  }

  function listen(response: ServerResponse): void {
    response.writeHead(200, { ...headers, "content-type": "text/event-stream" });
    readers.add(response);
    response.on("close", () => readers.delete(response));
    tell("workspace", describeWorkspace(slack, options.commands ?? []), [response]);
    tellWorldOrSay([response]);
  }

  function tellWorldOrSay(to: Iterable<ServerResponse> = readers): void {
    tellWorld(to).catch((error: unknown) => tell("trouble", String(error), to));
  }

  // Many changes of one moment are told once.
  const stopListening = slack.workspace.onChange(() => {
    due ??= setTimeout(() => {
      due = undefined;
      tell("workspace", describeWorkspace(slack, options.commands ?? []));
    }, 80);
  });
  const tick = setInterval(() => readers.size > 0 && tellWorldOrSay(), 1000);
  tick.unref();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://page");
    if (!isLocal(request.headers.host)) return end(response, 403, "text/plain", "This page is for this machine only.");
    if (request.method === "POST") return obey(request, response, pathname.slice("/do/".length));
    if (pathname === "/events") return listen(response);
    if (pathname.startsWith("/files/")) return showPicture(response, pathname.slice("/files/".length));
    const file = Object.hasOwn(files, pathname) ? files[pathname] : undefined;
    if (!file) return end(response, 404, "text/plain", "There is no such page.");
    end(response, 200, file.type, await readFile(new URL(`page/${file.name}`, import.meta.url), "utf8"));
  }

  function showPicture(response: ServerResponse, id: string): void {
    const picture = slack.picture(id);
    if (!picture) return end(response, 404, "text/plain", "There is no such file.");
    response.writeHead(200, { ...headers, "content-type": "image/png" });
    response.end(picture);
  }

  async function obey(request: IncomingMessage, response: ServerResponse, deed: string): Promise<void> {
    const run = Object.hasOwn(deeds, deed) ? deeds[deed] : undefined;
    const json = request.headers["content-type"] === "application/json";
    // A page of somebody else's may send here, but not as JSON, and not from our origin.
    if (!run || !json || request.headers.origin !== `http://${request.headers.host}`) {
      return end(response, 403, "text/plain", "That did not come from this page.");
    }
    const [status, answer] = await run({ slack, switches, clock, moveClock }, await readJson(request)).then(
      (result): [number, Json] => [200, { ok: true, ...result }],
      (error: unknown): [number, Json] => [
        error instanceof BadRequest ? 400 : 200,
        { ok: false, error: error instanceof Error ? error.message : String(error) },
      ],
    );
    end(response, status, "application/json", JSON.stringify(answer));
    tellWorldOrSay();
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(options.port, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}/`,
    async close() {
      clearInterval(tick);
      clearTimeout(due);
      stopListening();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function describeWorkspace({ workspace, views }: Slack, commands: readonly CompletedCommand[]): Json {
  const persons = [...workspace.persons.values()];
  return {
    team: workspace.team,
    bot: workspace.bot,
    persons,
    channels: [...workspace.channels.values()],
    messages: workspace.all(),
    ephemerals: workspace.ephemerals,
    views: Object.fromEntries(persons.map(({ id }) => [id, views.of(id)])),
    commands,
  };
}

/** Refuses names of other sites that resolve to this machine. */
function isLocal(host = ""): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}

async function readJson(request: IncomingMessage): Promise<Json> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk as string;
  const value = JSON.parse(body) as unknown;
  return isJson(value) ? value : {};
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...headers, "content-type": `${type}; charset=utf-8` });
  response.end(body);
}
