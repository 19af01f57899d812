import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../clock.ts";
import type { RequestLog } from "./request-log.ts";
import { type Answers, Forms, type Submission } from "./slack-forms.ts";
import { SlackFiles } from "./slack-files.ts";
import { SlackHttp } from "./slack-http.ts";
import { SlackKnobs } from "./slack-knobs.ts";
import type { Slackdom } from "./slack-method.ts";
import { People, type PressOptions } from "./slack-people.ts";
import { find, findById, type Pressable } from "./slack-pressable.ts";
import { RequestUrl } from "./slack-requests.ts";
import { Responses } from "./slack-responses.ts";
import { type Delivery, SocketMode } from "./slack-socket.ts";
import { SlackViews, type View } from "./slack-views.ts";
import { type LabChannel, type LabPerson, type LabTeam, type Message, Workspace } from "./slack-workspace.ts";

export type { Answers, Delivery, LabChannel, LabPerson, LabTeam, Message, PressOptions, Submission, View };

export type SlackOptions = {
  log: RequestLog;
  clock: Clock;
  /** The address to listen on, 127.x.y.1. */
  host: string;
  persons: LabPerson[];
  /** Default: the four channels of the lab. */
  channels?: LabChannel[];
  team?: LabTeam;
  /** The app's slash commands; without it, any is taken. */
  commands?: readonly string[];
};

/** The channels every lab has. */
const labChannels: readonly LabChannel[] = [
  { id: "C01", name: "incident-response" },
  { id: "C02", name: "emergency-backup" },
  { id: "C03", name: "executive-updates" },
  { id: "C09", name: "general" },
];

export type Slack = {
  knobs: SlackKnobs;
  /** For `slackApiUrl`, with the slash at its end. */
  apiUrl: string;
  botToken: string;
  appToken: string;
  workspace: Workspace;
  views: SlackViews;
  /** The app's connections: how many, deafen, cut, refresh. */
  sockets: SocketMode;
  /** Where the app has no Socket Mode: what Slack posts, and where to. */
  requests: RequestUrl;
  commands: readonly string[] | undefined;
  /** Types a slash command. Resolves when the app acknowledged it, or did not within 3 s. */
  types(personId: string, channel: string, text: string): Promise<Delivery>;
  /** Presses a button, or chooses an option, by what is written on it. @throws Error when nothing says so */
  presses(personId: string, label: string, options?: PressOptions): Promise<Delivery>;
  /** Tells whether a person sees something to press that says so. */
  sees(personId: string, label: string): boolean;
  /** Presses one element by its place and ids. @throws Error when it is not there */
  pressesAt(personId: string, at: Place, option?: string): Promise<Delivery>;
  submits(personId: string, answers?: Answers): Promise<Submission>;
  closesView(personId: string): Promise<void>;
  /** Writes an ordinary message. */
  writes(personId: string, channel: string, text: string, threadTs?: string): Promise<Delivery>;
  /** Sends a delivery once more, word for word. */
  replay(delivery: Delivery): Promise<Delivery>;
  messages(channel: string): Message[];
  thread(channel: string, ts: string): Message[];
  /** What one person alone was shown, oldest first. */
  ephemerals(personId: string): Message[];
  /** The app's conversation with one person, oldest first. */
  dms(personId: string): Message[];
  archive(channel: string, archived?: boolean): void;
  /** What a shared file holds; undefined when there is none (any more). */
  picture(id: string): Buffer | undefined;
  close(): Promise<void>;
};

/** Where an element stands: in a modal, or in a message. */
export type Place = { blockId: string; actionId: string; viewId?: string; channel?: string; ts?: string };

/** Opens a Slack with one workspace and one app: Web API, Socket Mode and response_urls on one port. */
export async function openSlack(options: SlackOptions): Promise<Slack> {
  const { log, clock, host, commands } = options;
  const knobs = new SlackKnobs();
  const team = options.team ?? { id: "T01", domain: "lab", name: "Lab" };
  const channels = (options.channels ?? labChannels).map((channel) => ({ ...channel }));
  const workspace = new Workspace(clock, team, options.persons, channels);
  const views = new SlackViews(workspace);
  const files = new SlackFiles({ workspace, clock, knobs });
  const sockets = new SocketMode({ knobs, log, appId: workspace.appId });
  const requests = new RequestUrl({ knobs, log, clock });
  const responses = new Responses(clock);
  const secret = randomBytes(12).toString("hex");
  const tokens = { bot: `xoxb-${secret}`, app: `xapp-${secret}` };
  let port = 0;
  const baseUrl = () => `http://${host}:${port}`;
  const slack: Slackdom = {
    workspace,
    views,
    files,
    knobs,
    clock,
    socketUrl: () => `ws://${host}:${port}/link/?ticket=${sockets.issueTicket()}&app_id=${workspace.appId}`,
    homeUrl: () => `${baseUrl()}/`,
  };
  const http = new SlackHttp({ slack, log, clock, tokens, responses });
  const server = createServer((request, response) => {
    http.serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.on("upgrade", (request, socket, head) => sockets.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  ({ port } = server.address() as AddressInfo);
  const people = new People({
    slack,
    way: () => (requests.url ? requests : sockets),
    responses,
    baseUrl,
    commands,
  });
  const forms = new Forms(people, views);

  return {
    knobs,
    workspace,
    views,
    sockets,
    requests,
    commands,
    apiUrl: `${baseUrl()}/api/`,
    botToken: tokens.bot,
    appToken: tokens.app,
    types: (person, channel, text) => people.types(person, channel, text),
    presses: (person, label, where) => people.presses(person, label, where),
    sees: (person, label) => find(slack, person, label, {}) !== undefined,
    pressesAt: (person, at, option) => people.act(person, pressableAt(slack, person, at, option)),
    submits: (person, answers) => forms.submits(person, answers),
    closesView: (person) => forms.closes(person),
    writes: (person, channel, text, threadTs) => people.writes(person, channel, text, threadTs),
    replay: (delivery) => people.replay(delivery),
    messages: (channel) => workspace.messages(people.channel(channel).id),
    thread: (channel, ts) => workspace.thread(people.channel(channel).id, ts),
    ephemerals: (person) => workspace.ephemerals.filter((one) => one.person === person).map(({ message }) => message),
    dms: (person) => workspace.messages(people.channel(person).id),
    archive(channel, archived = true) {
      people.channel(channel).isArchived = archived;
      workspace.changed();
    },
    picture: (id) => files.find(id)?.bytes,
    async close() {
      requests.close();
      files.close();
      await sockets.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function pressableAt(slack: Slackdom, person: string, at: Place, option?: string): Pressable {
  const { workspace, views } = slack;
  const view = views.of(person).find((one) => one.id === at.viewId);
  const seen = workspace.ephemerals.find((one) => one.person === person && one.message.ts === at.ts);
  const message = seen?.message ?? workspace.find(at.channel ?? "", at.ts ?? "");
  const holder = view ? { view } : message && { message, ephemeral: seen !== undefined };
  const found = holder && findById(holder, at.blockId, at.actionId, option);
  if (!found) throw new Error("that element is no longer there");
  return found;
}
