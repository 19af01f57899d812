import { Command as Program, CommanderError } from "commander";
import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { sql } from "kysely";
import { commands } from "../commands/index.ts";
import { findRun } from "../commands/runs.ts";
import { whyUnreachable } from "./adapters/unreachable.ts";
import type { Call, Command, Person } from "./chat.ts";
import { checkUp } from "./checkup.ts";
import { estatePathOf, readConfig, secretsIn } from "./config.ts";
import type { Config } from "./settings.ts";
import type { Context } from "./context.ts";
import { linesOf } from "./doctor/report.ts";
import { openDb } from "./db/connect.ts";
import { openEmbedded } from "./embedded/embedded.ts";
import { migrate } from "./db/migrate.ts";
import { messageOf, rewordError, UserError } from "./errors.ts";
import { ownerOf } from "./estate.ts";
import { loadEstate } from "./estate-file.ts";
import { writeEstate } from "./init/write-estate.ts";
import { followRun } from "./follow.ts";
import { databaseAway, openContext, startMuster, type Overrides } from "./main.ts";
import { capital, inShell } from "./spelling.ts";
import { findCommand, runCommand } from "./inbox/answer.ts";
import { migrateQueue } from "./queue.ts";
import { makeRedactor } from "./redact.ts";
import { hearSlips } from "./slips.ts";
import { slackManifest } from "./slack/manifest.ts";
import { readSplitWords } from "./words.ts";

export type Terminal = {
  env: Record<string, string | undefined>;
  /** Login name of whoever sits here; the estate says who that is. */
  user: string;
  print: (line: string) => void;
  /** Where answers are typed; standard input unless said. */
  input?: Readable;
  /** Asks whoever sits here, and returns what was typed. Absent where nobody can be asked. */
  ask?: (question: string) => Promise<string>;
  overrides?: Overrides;
};

/** Runs one command line to its end and returns the exit status. @throws UserError for what the person can put right. */
export async function runCli(argv: string[], terminal: Terminal): Promise<number> {
  let status = 0;
  const program = new Program("muster")
    .description("Moves a business out of a broken region, from Slack.")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.print(text.trimEnd()), writeErr: () => undefined });

  program
    .command("serve")
    .description("listens to Slack, drives runs, keeps watch; until SIGTERM")
    .option(
      "--embedded <folder>",
      "for trying out: on a Postgres of its own whose data is in that folder, with its tables made",
    )
    .action(({ embedded }: { embedded?: string }) =>
      embedded === undefined ? serve(terminal) : serveEmbedded(terminal, embedded),
    );
  program
    .command("migrate")
    .description("makes Muster's tables, or brings them up to this version")
    .action(() => migrateAll(terminal));
  program
    .command("manifest")
    .description("prints the manifest of the Slack app that the estate needs")
    .option("--url <address>", "where Slack posts to Muster from outside; without it, Socket Mode")
    .action(({ url }: { url?: string }) => printManifest(terminal, url));
  program
    .command("follow")
    .argument("<run>")
    .description("tells a run's story as it happens, and drives it where nobody else does")
    .action(async (runId: string) => {
      status = await withContext(terminal, async ({ ctx, driver }) => {
        whoSits(ctx, terminal.user);
        const { id } = await findRun(ctx, runId);
        return followRun(ctx, driver, id, printer(terminal));
      });
    });
  program
    .command("doctor")
    .option("--json", "prints one JSON object")
    .description("looks at everything Muster stands on, says what will not work, and changes nothing")
    .action(async ({ json = false }: { json?: boolean }) => {
      status = await seeDoctor(terminal, json);
    });
  program
    .command("init")
    .description("writes a first estate file by asking")
    .action(() => writeFirstEstate(terminal));
  const own = program.commands.map((command) => command.name());
  for (const command of commands) {
    // For the list that --help prints; what is typed goes to the command as it is, as it does in Slack.
    program.command(command.name).argument("[words...]").summary(command.summary);
  }
  const [verb] = argv;
  try {
    if (verb !== undefined && !verb.startsWith("-") && !own.includes(verb)) {
      const { command, words } = findCommand(commands, "muster", readSplitWords(argv), own);
      return await say(terminal, command, words);
    }
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    // A terminal's scrollback is kept, and copied into tickets: what was typed may have been a secret.
    const redact = makeRedactor(new Set(secretsIn(terminal.env)));
    if (!(error instanceof CommanderError)) throw rewordError(error, (text) => asTyped(redact(text)));
    if (error.exitCode === 0 || error.code === "commander.help") return 0;
    throw new UserError({
      happened: redact(asSentence(error.message)),
      means: "Nothing was changed.",
      todo: "Type muster --help for what there is.",
    });
  }
  return status;
}

const asSentence = (message: string): string => capital(message.replace(/^error: /, "")).replace(/\.*$/, ".");

/** What speaks of commands speaks of them as in Slack; here they are typed into a shell. */
const asTyped = (text: string): string =>
  inShell(
    text,
    commands.map(({ name }) => name),
  );

const printer =
  ({ print }: Terminal) =>
  (line: string): void =>
    print(asTyped(line));

/** Gives a command as the person who is logged in, then follows the run it speaks of for as long as it moves. */
async function say(terminal: Terminal, command: Command, words: string[]): Promise<number> {
  return withContext(terminal, async ({ ctx, driver }) => {
    const person = whoSits(ctx, terminal.user);
    const reply = await runCommand(ctx, command, {
      words,
      person,
      place: { kind: "terminal" },
      id: `terminal:${randomUUID()}`,
      ...agreement(terminal),
    });
    const print = printer(terminal);
    for (const line of reply.lines) {
      if (reply.showsSecret) terminal.print(line);
      else print(ctx.redact(line));
    }
    const spoken = command.name === "runs" && words[0] !== undefined && !["list", "show", "report"].includes(words[0]);
    return spoken && reply.runId ? followRun(ctx, driver, reply.runId, print) : 0;
  });
}

/** A yes is the whole word: an Enter too many must not be one. */
function agreement({ print, ask }: Terminal): Pick<Call, "agrees"> {
  if (!ask) return {};
  return {
    agrees: async (lines) => {
      for (const line of lines) print(line);
      return (await ask('Type "yes" to do this: ')).trim().toLowerCase() === "yes";
    },
  };
}

function whoSits(ctx: Context, user: string): Person {
  const name = ownerOf(ctx.estate.people, "terminal", user);
  if (name !== undefined) return { name };
  throw new UserError({
    happened: `The login name "${user}" belongs to nobody in the estate file.`,
    means: "Nothing was changed.",
    todo: `Give the person it belongs to "terminal: ${user}" there.`,
  });
}

async function withContext<T>(
  { env, overrides }: Terminal,
  work: (opened: Awaited<ReturnType<typeof openContext>>) => Promise<T>,
): Promise<T> {
  const opened = await openContext(quiet(readConfig(env)), { env, ...overrides });
  const leaveOff = hearSlips(opened.ctx);
  try {
    return await work(opened);
  } catch (error) {
    // Whoever looks for the fault asks for it; at the terminal of somebody in a hurry a trace is only noise.
    const clean = rewordError(error, opened.ctx.redact);
    if (clean instanceof Error) opened.ctx.log.debug({ stack: clean.stack }, "a command ended in an error");
    throw clean;
  } finally {
    await opened.close().finally(leaveOff);
  }
}

/** In a terminal the story is what is read; the log says only what went wrong. */
const quiet = (config: Config): Config => ({
  ...config,
  LOG_LEVEL: config.LOG_LEVEL === "info" ? "error" : config.LOG_LEVEL,
});

async function migrateAll({ env, print }: Terminal): Promise<void> {
  const config = readConfig(env);
  const db = openDb(config.DATABASE_URL, { max: 1, leaseMs: config.LEASE_MILLISECONDS, statementTimeoutMs: 60_000 });
  const redact = makeRedactor(new Set(secretsIn(env)));
  try {
    await sql`select 1`.execute(db).catch((error: unknown) => {
      throw databaseAway(error, redact);
    });
    // A server that finds Muster's own tables does not ask for the queue's; and Redis may be left out later.
    const done = await migrate(db, () => migrateQueue(config.DATABASE_URL)).catch((error: unknown) => {
      throw notMigrated(error, redact);
    });
    print(done.length === 0 ? "The tables are up to date." : `Migrated: ${done.join(", ")}.`);
  } finally {
    await db.destroy();
  }
}

/** What a migration that did not get to its end leaves behind, in words. */
function notMigrated(error: unknown, redact: (text: string) => string): unknown {
  if (error instanceof UserError) return error;
  const why = whyUnreachable(error) ?? `says: ${redact(messageOf(error)).replace(/\.$/, "")}`;
  return new UserError({
    happened: `The migration did not come to its end: Muster's database ${why}.`,
    means: "Nothing is half done: each set of tables is as it was, or as it is to be.",
    todo: "Look at that database, then type: muster migrate",
  });
}

function printManifest({ env, print }: Terminal, url: string | undefined): void {
  // Only the estate is needed: whoever makes the app has no tokens yet.
  const { bareCommands } = loadEstate(estatePathOf(env));
  print(slackManifest({ commands, bareCommands, url }).trimEnd());
}

/** Status 1 where something is broken; a warning breaks nothing. */
async function seeDoctor({ env, print, overrides }: Terminal, json: boolean): Promise<number> {
  const report = await checkUp({ env, ...overrides });
  if (json) print(JSON.stringify(report, undefined, 2));
  else for (const line of linesOf(report)) print(line);
  return report.ok ? 0 : 1;
}

async function writeFirstEstate({ env, print, input = process.stdin }: Terminal): Promise<void> {
  // Answers that come from a file or a pipe are not shown again.
  const output = input === process.stdin && process.stdin.isTTY ? process.stdout : undefined;
  await writeEstate({ path: estatePathOf(env), print, input, output });
}

/** Serves on a Postgres of its own. Commands in another terminal find it by the file that is named. */
async function serveEmbedded(terminal: Terminal, folder: string): Promise<void> {
  const told = toldToStop();
  const embedded = await openEmbedded(folder, terminal.env["PATH"]);
  const own = { ...terminal, env: { ...terminal.env, DATABASE_URL: embedded.databaseUrl } };
  try {
    await migrateAll({ ...own, print: () => undefined });
    terminal.print(`Trying out: in another terminal, first type  export DATABASE_URL=$(cat ${embedded.urlFile})`);
    await serve(own, told);
  } finally {
    await embedded.close();
  }
}

/** Listens from now on: a server that is told to stop while it starts leaves nothing behind either. */
const toldToStop = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });

async function serve({ env, overrides }: Terminal, told = toldToStop()): Promise<void> {
  const config = readConfig(env);
  const muster = await startMuster(config, { env, ...overrides });
  const reload = () => {
    try {
      muster.reload();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      muster.ctx.log.error({ why: error.message }, "the estate was not read again; the one before stays in force");
    }
  };
  const leaveOff = hearSlips(muster.ctx);
  process.on("SIGHUP", reload);
  await told;
  process.off("SIGHUP", reload);
  await muster.stop();
  leaveOff();
}
