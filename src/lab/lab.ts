import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { generateSync } from "otplib";
import { commands } from "../../commands/index.ts";
import { Activity } from "../activity.ts";
import { readConfig } from "../config.ts";
import type { Context } from "../context.ts";
import { openDb, type Db } from "../db/connect.ts";
import { standing } from "../engine/decide.ts";
import { loadJournal } from "../engine/journal.ts";
import { fold } from "../engine/fold.ts";
import { CannotContinue, UserError } from "../errors.ts";
import { startMuster, type Muster, type Overrides } from "../main.ts";
import { runCli } from "../terminal.ts";
import { labEstate, type EstateWishes } from "./estate.ts";
import { openInSlack, type InSlack } from "./in-slack.ts";
import { kubeconfig } from "./kubernetes.ts";
import { muster as musterRole } from "./shop.ts";
import { isHeard, postToAny, slackSettings } from "./slack-way.ts";
import { sightsOf, type Query, type Sights } from "./sights.ts";
import { roleSettings } from "./world-databases.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

export type LabOptions = WorldOptions & {
  estate?: Partial<EstateWishes>;
  /** Changes the estate's text before it is written. */
  editEstate?: (yaml: string) => string;
  /** Settings beside those the lab makes. */
  settings?: Record<string, string>;
  /** False: nothing of Muster runs here until `startMuster`, or only the terminal. */
  serve?: boolean;
  /** True where nothing is ever silent: slow answers are waited for, as the machine may be busy with other things. */
  patient?: boolean;
  /** How short a jump of the clock may be, in seconds: stories of long waits need not wake for every poll. */
  strideSeconds?: number;
  /** True: no Slack is configured. */
  withoutSlack?: boolean;
  /** True: Slack posts to Muster, with no Socket Mode. */
  slackOverHttp?: boolean;
};

/** A world with Muster in it, in the words of the people who use it. */
export type Lab = World &
  Sights &
  InSlack &
  AsyncDisposable & {
    /** The settings a Muster in this lab starts with. */
    environment: Record<string, string>;
    estatePath: string;
    /** Starts a server in this process; its work is waited for by the lab's time. */
    startMuster(overrides?: Overrides): Promise<Muster>;
    musters: readonly Muster[];
    /** Of the server started first. @throws when none runs. */
    ctx(): Context;
    /** Types `muster <line>` in a terminal as a person, who says this where something is asked. */
    types(person: string, argv: string[], answer?: string): Promise<{ status: number; text: string }>;
    /** Edits the estate's file and has every server read it again, as SIGHUP does. */
    editEstate(edit: (yaml: string) => string): Promise<void>;
    /** Gives a person an authenticator, in a terminal, and returns how to read the code it shows. */
    enrols(person: string): Promise<() => string>;
    /** Lets time pass until the newest run is over, parked or waits. */
    untilRests(withinSeconds?: number): Promise<string>;
    /** Lets time pass until the newest run's timeline has a line that begins like this. */
    untilTold(beginning: string, withinSeconds?: number): Promise<void>;
    /** Asks Muster's own database. */
    query: Query;
  };

/** Lab seconds in a wall second while somebody waits for a dead region; otherwise a story jumps. */
const storyRate = 8;

/** Opens a lab: the world, its settings and files and, unless told otherwise, one server. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  // The SDKs read these by themselves, from the process.
  process.env["AWS_ACCESS_KEY_ID"] ??= "lab";
  process.env["AWS_SECRET_ACCESS_KEY"] ??= "lab-secret-key";
  const world = await openWorld({
    rate: options.patient ? 1 : storyRate,
    commands: ["/muster", ...commands.map(({ name }) => `/${name}`)],
    ...options,
  });
  world.time.strideSeconds = options.strideSeconds ?? 0;
  // Servers take messages out, and terminals do not.
  world.time.waitsForOutbox = false;
  const folder = await mkdtemp(join(tmpdir(), "muster-lab-"));
  const musters: Muster[] = [];
  let startedSoFar = 0;
  const closing: (() => Promise<unknown>)[] = [() => world.close(), () => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    await Promise.all([...musters].map((muster) => muster.stop()));
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const environment = await writeFiles(world, folder, options);
    const db = openDb(environment["DATABASE_URL"] ?? "", { max: 2, leaseMs: 60_000 });
    closing.push(() => db.destroy());
    await world.time.bind(environment["DATABASE_URL"] ?? "");

    const query = <Row extends object>(text: string, values: unknown[] = []) =>
      world.musterDatabase.server.ask<Row & Record<string, unknown>>("muster", text, values);
    const start = async (overrides: Overrides = {}) => {
      const activity = overrides.activity ?? new Activity();
      const forget = world.time.count(activity);
      // Few speak at once in a lab, and every connection is a process of its server.
      const muster = await startMuster(readConfig({ SLACK_DATABASE_CONNECTIONS: "4", ...environment }), {
        clock: world.time.clock,
        activity,
        env: environment,
        worker: `lab-${(startedSoFar += 1)}`,
        ...overrides,
      }).catch((error: unknown) => {
        forget();
        throw error;
      });
      const stopped: Muster = {
        ...muster,
        stop: async () => {
          const index = musters.indexOf(stopped);
          if (index < 0) return;
          musters.splice(index, 1);
          world.time.waitsForOutbox = musters.length > 0;
          await muster.stop();
          forget();
        },
      };
      musters.push(stopped);
      world.time.waitsForOutbox = true;
      return stopped;
    };
    if (options.slackOverHttp) postToAny(world.slack, musters, world.random);
    const sights = sightsOf(world, query);
    const lab: Lab = {
      ...world,
      ...sights,
      ...openInSlack(world, sights),
      environment,
      musters,
      startMuster: start,
      query,
      estatePath: environment["ESTATE"] ?? "",
      ctx: () => {
        const first = musters[0];
        if (!first) throw new Error("no server runs in this lab");
        return first.ctx;
      },
      async types(person, argv, answer) {
        const lines: string[] = [];
        const activity = new Activity();
        const forget = world.time.count(activity);
        const overrides = { clock: world.time.clock, activity, worker: `terminal-of-${person}` };
        try {
          const status = await runCli(argv, {
            env: environment,
            user: person,
            print: (line) => lines.push(line),
            ...(answer === undefined ? {} : { ask: () => Promise.resolve(answer) }),
            overrides,
          });
          return { status, text: lines.join("\n") };
        } catch (error) {
          if (!(error instanceof UserError || error instanceof CannotContinue)) throw error;
          const { happened, means, todo } = error.explanation;
          return { status: 1, text: [happened, means, todo].join("\n") };
        } finally {
          forget();
        }
      },
      async editEstate(edit) {
        const path = lab.estatePath;
        await writeFile(path, edit(await readFile(path, "utf8")));
        for (const muster of musters) muster.reload();
      },
      async enrols(person) {
        const { text } = await lab.types(person, ["enrol"]);
        const address = text.split("\n").find((line) => line.startsWith("otpauth:")) ?? "";
        const secret = new URL(address).searchParams.get("secret") ?? "";
        return () => generateSync({ secret });
      },
      async untilRests(withinSeconds = 4 * 3600) {
        const runId = await sights.newestRun();
        let rest: string | undefined;
        let read = -1;
        const rests = async () => {
          // The journal is read whole; whoever has seen that it goes on reads it again once something was added.
          const newest = await newestEvent(db, runId);
          if (newest === read) return false;
          read = newest;
          return (rest = await restOf(db, runId)) !== undefined;
        };
        await world.time.until(`run ${runId} rests`, rests, withinSeconds);
        // What is said of it is on its way when it rests.
        await world.time.quiet();
        return rest ?? "";
      },
      untilTold: (beginning, withinSeconds = 3600) =>
        world.time.until(
          `"${beginning}" is told`,
          async () => (await sights.timeline()).some((line) => line.startsWith(beginning)),
          withinSeconds,
        ),
      close,
      [Symbol.asyncDispose]: close,
    };
    if (options.serve ?? true) await start();
    // Nobody types before the app is there.
    if ((options.serve ?? true) && !options.withoutSlack) await isHeard(world.slack);
    return lab;
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where a run rests: its outcome, "parked: ..." or "asks: ..."; undefined while it moves. */
async function newestEvent(db: Db, runId: string): Promise<number> {
  const found = db.selectFrom("step_event").select((event) => event.fn.max("seq").as("seq"));
  return (await found.where("run", "=", runId).executeTakeFirst())?.seq ?? 0;
}

async function restOf(db: Db, runId: string): Promise<string | undefined> {
  const loaded = await loadJournal(db, runId);
  if (!loaded) return undefined;
  const view = fold(loaded.run.plan, loaded.events);
  const now = standing(view);
  const steps = [...view.steps.values()];
  if (now === "parked") return `parked: ${steps.find(({ parked }) => parked)?.parked?.because}`;
  if (now === "waiting") return `asks: ${steps.find(({ asked, done }) => asked && !done)?.asked?.question}`;
  return view.ended?.outcome;
}

async function writeFiles(world: World, folder: string, options: LabOptions): Promise<Record<string, string>> {
  const { slack, mail, statusPage, resolver, rds, route53, sts, s3, authority, musterDatabase } = world;
  await chmod(folder, 0o700);
  const path = (name: string) => join(folder, name);
  const yaml = labEstate({
    replicas: options.replicas ?? 3,
    stabilitySeconds: 60,
    ...(options.patient ? { limitMs: 5000 } : {}),
    ...(options.services ? { services: options.services } : {}),
    ...(options.plain ? { plain: true } : {}),
    ...(options.traffic ? { traffic: options.traffic, endpoints: world.recoveryCluster.endpoints } : {}),
    ...options.estate,
  });
  await writeFile(path("estate.yaml"), options.editEstate ? options.editEstate(yaml) : yaml);
  await writeFile(path("kubeconfig.yaml"), kubeconfig(Object.values(world.clusters)));
  await writeFile(path("ca.pem"), authority.cert);
  return {
    DATABASE_URL: musterDatabase.url,
    ESTATE: path("estate.yaml"),
    KUBECONFIG: path("kubeconfig.yaml"),
    EXTRA_CA_FILE: path("ca.pem"),
    ...(options.withoutSlack ? {} : slackSettings(slack, options.slackOverHttp)),
    SMTP_URL: mail.url,
    MAIL_FROM: "muster@example.com",
    STATUSPAGE_URL: statusPage.url,
    STATUSPAGE_TOKEN: statusPage.token,
    AWS_ENDPOINT_URL_RDS: rds.url,
    AWS_ENDPOINT_URL_ROUTE_53: route53.url,
    AWS_ENDPOINT_URL_STS: sts.url,
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ACCESS_KEY_ID: "lab",
    AWS_SECRET_ACCESS_KEY: "lab-secret-key",
    GUARD_USER: musterRole.user,
    GUARD_PASSWORD: musterRole.password,
    GUARD_SSL: "disable",
    ...roleSettings(world.services),
    MUSTER_KEY: randomBytes(32).toString("base64"),
    // As in a company's network: what customers' resolvers keep, this one keeps too.
    RESOLVERS: resolver.server,
    PUBLIC_RESOLVERS: resolver.server,
    DNS_PORT: "5353",
    HTTP_PORT: "0",
    LOG_LEVEL: "warn",
    // On the wall, and on a machine that may be busy: shorter, and a lab that is only slow would seem to be silent.
    CALL_TIMEOUT_MILLISECONDS: options.patient ? "5000" : "2000",
    LEASE_MILLISECONDS: "10000",
    HOME: folder,
    // Not in this lab's own home: the next one starts with what was compiled.
    NODE_COMPILE_CACHE: join(homedir(), ".cache", "muster", "lab"),
    PATH: process.env["PATH"] ?? "",
    ...options.settings,
  };
}
