import { Resolver } from "node:dns/promises";
import { east, record, west } from "./estate.ts";
import { countOrders, type OrderCounts } from "./orders.ts";
import { promotionsOf } from "./postgres-log.ts";
import { ask } from "./postgres-pair.ts";
import { lookAtService, podsIn, writersOf, type ServiceSeen } from "./service-sights.ts";
import { checkout, configMapOf } from "./services.ts";
import { app } from "./shop.ts";
import { isJson, type Message } from "./slack-workspace.ts";
import type { World } from "./world.ts";

/** What a run's card in Slack says, all its words in one text, and the buttons it has. */
export type CardSeen = { text: string; buttons: string[] };

/** What a failover of checkout changes, as it is: two of these are equal when everything came back. */
export type WorldSeen = {
  /** Of the west's config map. */
  DB_HOST: string | undefined;
  pods: { east: number; west: number };
  /** Whether the application's role may log in, in the database that is written. */
  appMayLogIn: boolean;
  /** Servers that take a write from the application, tried at the servers themselves. */
  writers: string[];
  shares: Record<string, number>;
};

/** Where stories look. */
export type Sights = {
  /** Id of the newest run. @throws when there is none */
  newestRun(): Promise<string>;
  /** The ids of all runs, in the order they were proposed. */
  runs(): Promise<string[]>;
  /** The state of a run's row. */
  stateOf(runId: string): Promise<string>;
  /** The sentences of the newest run's timeline, or of one run. */
  timeline(runId?: string): Promise<string[]>;
  /** What was said under the card of the newest run, or of one, oldest first; its chart, which comes when it can, is left out. */
  thread(runId?: string): Promise<string[]>;
  /** The card of the newest run, or of one. @throws when it is not there */
  card(runId?: string): Promise<CardSeen>;
  /** Everything that took hold outside Muster since the lab opened, but for what was said: "rds: checkout-db-west ...". */
  changes(): string[];
  /** Of these, what took hold more often than a move needs: the west's pods start twice where old ones know the old writer. */
  doubled(): string[];
  /** What the authoritative server answers now. */
  dig(name?: string): Promise<string[]>;
  /** Everything a failover of checkout changes, read from the lab's servers and not through Muster. */
  asItIs(): Promise<WorldSeen>;
  /** Every service, in the order they were wished: who writes, where customers are led, what runs, and what a customer gets. */
  everyService(): Promise<ServiceSeen[]>;
  orders(): Promise<OrderCounts>;
};

export type Query = <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>;

/** Makes what stories look at, from a world and Muster's own database. */
export function sightsOf(world: World, query: Query): Sights {
  const runs = async () => {
    const rows = await query<{ id: string }>("select id from muster.run order by proposed_at, id");
    return rows.map(({ id }) => id);
  };
  const newestRun = async () => {
    const newest = (await runs()).at(-1);
    if (newest === undefined) throw new Error("no run was proposed");
    return newest;
  };
  const thread = async (runId?: string): Promise<Message[]> => {
    const id = runId ?? (await newestRun());
    const [row] = await query<{ ref: string | null }>("select remote_ref as ref from muster.card where run = $1", [id]);
    const [channel = "", ts = ""] = row?.ref?.split("/") ?? [];
    return world.slack.workspace.thread(channel, ts);
  };
  const changes = () =>
    world.log.all
      .filter(({ server }) => !["slack", "mail", "statuspage"].includes(server))
      .flatMap(({ server, effects }) => effects.map(({ target, wanted }) => `${server}: ${target} ${wanted}`));
  return {
    runs,
    newestRun,
    async stateOf(runId) {
      const [row] = await query<{ state: string }>("select state from muster.run where id = $1", [runId]);
      return row?.state ?? "unknown";
    },
    async timeline(runId) {
      const rows = await query<{ line: string }>("select line from muster.timeline where run = $1 order by seq", [
        runId ?? (await newestRun()),
      ]);
      return rows.map(({ line }) => line);
    },
    thread: async (runId) => {
      // A thread takes a message a second: what has been written for it by now is waited for.
      const id = runId ?? (await newestRun());
      const outbox = "from muster.outbox where thread = 'run:' || $1";
      const [newest] = await query<{ seq: string | null }>(`select max(seq) as seq ${outbox}`, [id]);
      const waits = `select ${outbox} and seq <= $2 and state in ('waiting', 'sending')`;
      const isSaid = async () => (await query(waits, [id, newest?.seq ?? 0])).length === 0;
      await world.time.until("it is said", isSaid, 60).catch(() => undefined);
      const [, ...said] = await thread(id);
      return said.map(({ text }) => text).filter((text) => !text.startsWith("What happened when, in run "));
    },
    async card(runId) {
      let card: Message | undefined;
      // It is posted after whoever asked was answered.
      await world.time.until("the card stands", async () => ([card] = await thread(runId))[0] !== undefined, 60);
      // An edit waits a few seconds after the one before it.
      const behind = "select from muster.card where run = $1 and wanted_version > sent_version";
      const isDrawn = async () => (await query(behind, [runId ?? (await newestRun())])).length === 0;
      await world.time.until("it shows the newest", isDrawn, 15).catch(() => undefined);
      [card] = await thread(runId);
      if (!card) throw new Error("the run has no card");
      return { text: wordsOf(card.blocks).join("\n"), buttons: buttonsOf(card) };
    },
    changes,
    doubled: () => {
      const startTwice = world.services
        .filter(({ pair }) => pair)
        .map(({ name, replicas }) => `${west}/shop/${name} replicas=${replicas}`);
      return [...Map.groupBy(changes(), (change) => change)]
        .filter(([change, times]) => times.length > (startTwice.some((one) => change.endsWith(one)) ? 2 : 1))
        .map(([change]) => change);
    },
    async dig(name = record) {
      const resolver = new Resolver({ timeout: 1000, tries: 1 });
      resolver.setServers([world.dns.server]);
      return resolver.resolve4(name);
    },
    asItIs: () => asItIs(world),
    everyService: () => Promise.all(world.services.map((service) => lookAtService(world, service))),
    orders: () => countOrders(world),
  };
}

async function asItIs({ pair, clusters, dns }: World): Promise<WorldSeen> {
  const writers = await writersOf([pair.primary, pair.replica]);
  const promoted = (await promotionsOf(pair.replica.server)).length > 0;
  const current = promoted ? pair.replica : pair.primary;
  const [role] = await ask<{ may: boolean }>(
    current.server,
    `select rolcanlogin as may from pg_roles where rolname = '${app.user}'`,
  );
  const podsWanted = (region: string) => podsIn({ clusters }, region, checkout.name).wanted;
  return {
    DB_HOST: clusters[west]?.config("shop", configMapOf(checkout.name))["DB_HOST"],
    pods: { east: podsWanted(east), west: podsWanted(west) },
    appMayLogIn: role?.may === true,
    writers,
    shares: dns.weights(record),
  };
}

const buttonsOf = (message: Message): string[] =>
  (message.blocks ?? []).flatMap(({ elements }) =>
    ((elements as unknown[] | undefined) ?? []).flatMap((one) =>
      isJson(one) && one.type === "button" ? wordsOf(one.text) : [],
    ),
  );

/** Everything that is written anywhere inside blocks, but for what is asked when a button is pressed. */
function wordsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(wordsOf);
  if (!isJson(value)) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    if (typeof child === "string") return key === "text" || key === "title" ? [child] : [];
    return key === "confirm" ? [] : wordsOf(child);
  });
}
