import { cpus, totalmem } from "node:os";
import { UserError } from "../errors.ts";
import { measureAcks } from "./bench-acks.ts";
import { measureHandingOn } from "./bench-handing-on.ts";
import { measureMany } from "./bench-many.ts";
import { measureScript } from "./bench-script.ts";
import { measureServer } from "./bench-server.ts";
import { playDemo, type Played } from "./demo-story.ts";
import { findPostgres } from "../embedded/binaries.ts";
import { addUp, spellHarm } from "./harm.ts";
import { readTyped, runProgram } from "./terminal-entry.ts";

const usage = "npm run bench [-- [--only <figure>] [--json]]";

/**
 * Lab seconds in a second: the figures of failovers are ratios of lab seconds. Slow enough that Muster's own work, which is
 * not faster in a lab, and calls that nobody answers weigh about as much as they do outside.
 */
const scale = 5;
/** The same for a thousand services, which with all their customers' probes share the machine with Muster. */
const manyScale = 2;
const times = 3;
const samples = 100;
const secondsOfCommands = 10;

type Row = { key: string; what: string; value: number | string | null; bar: string };
type Say = (line: string) => void;
/** Figures that one measurement tells, by what they are called. */
type Measurement = { keys: string[]; measure: (say: Say) => Promise<Row[]> };

/** Measures what Muster promises, and prints it beside the promise. Nothing here passes or fails. */
await runProgram("bench", async () => {
  const { json, only } = readTyped({ json: { type: "boolean", default: false }, only: { type: "string" } }, usage);
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const rows: Row[] = [];
  for (const { measure } of chosen(only)) rows.push(...(await measure(say)));
  const postgres = findPostgres(process.env["PATH"]);
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    postgres: postgres?.version ?? "none",
    scale: `${scale} (${manyScale} for a thousand services)`,
  };
  if (json)
    process.stdout.write(
      `${JSON.stringify({ machine, ...Object.fromEntries(rows.map(({ key, value }) => [key, value])) })}\n`,
    );
  else {
    console.log(
      Object.entries(machine)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    );
    for (const { key, what, value, bar } of rows)
      console.log(`${key.padEnd(20)} ${String(value).padStart(10)}  ${bar.padEnd(12)} ${what}`);
  }
  return 0;
});

/** All measurements, or the one that tells a figure. @throws UserError when there is no such figure. */
function chosen(only: string | undefined): Measurement[] {
  const measurements: Measurement[] = [
    {
      keys: ["overCriticalPath", "ownSeconds", "overScript", "scriptHarmOurs", "scriptHarmTheirs"],
      measure: measureFailovers,
    },
    { keys: ["takeOverP99Seconds", "handOverP99Seconds"], measure: measureHandovers },
    { keys: ["ackP99Ms"], measure: measureCommands },
    { keys: ["readySeconds", "idleMb", "busyMb"], measure: measureServers },
    { keys: ["over1000Quota", "route53Writes"], measure: measureThousand },
  ];
  const found = measurements.filter(({ keys }) => only === undefined || keys.includes(only));
  if (found.length > 0) return found;
  throw new UserError({
    happened: `There is no figure "${only}".`,
    means: "Nothing was measured.",
    todo: `Name one of: ${measurements.flatMap(({ keys }) => keys).join(", ")}.`,
  });
}

async function measureFailovers(say: Say): Promise<Row[]> {
  const quiet = () => undefined;
  say(`A failover, ${times} times ...`);
  const plays: Played[] = [];
  for (let time = 0; time < times; time += 1) plays.push(await playDemo({ graceful: false, scale, print: quiet }));
  const planned = await playDemo({ graceful: true, scale, print: quiet });
  say("The emergency script, with the region dead and alive ...");
  const script = await measureScript(scale, true);
  const scriptAlive = await measureScript(scale, false);
  const ours = addUp([...plays, planned].map(({ harm }) => harm));
  const theirs = addUp([script, scriptAlive].map(({ harm }) => harm));
  say(`  harm: ours ${spellHarm(ours)}; the script's ${spellHarm(theirs)}`);
  const figures = plays.map((play) => play.figures);
  const tool = median(figures.map(({ toolSeconds }) => toolSeconds ?? Infinity));
  return [
    row(
      "overCriticalPath",
      `tool time by the longest way of the outside's delays, median of ${times}`,
      median(figures.map(overCriticalPath)),
      "<= 1.10",
    ),
    row(
      "ownSeconds",
      `wall seconds in which nothing outside was waited for, median of ${times}`,
      median(figures.map(({ ownSeconds }) => ownSeconds ?? Infinity)),
      "<= 2",
    ),
    row(
      "overScript",
      "the emergency script's time, played once, by Muster's, at one scale and with the same timeouts",
      script.seconds === null ? null : script.seconds / tool,
      "reported",
    ),
    row(
      "scriptHarmOurs",
      `orders that Muster harmed in ${times} plays with the region dead and one with it alive: ${spellHarm(ours)}`,
      ours.orders,
      "0",
    ),
    row(
      "scriptHarmTheirs",
      `the same of the emergency script, a play of each: ${spellHarm(theirs)}`,
      theirs.orders,
      "reported",
    ),
  ];
}

async function measureHandovers(say: Say): Promise<Row[]> {
  const handingOn = (signal: "SIGKILL" | "SIGTERM") => () => measureHandingOn(signal, samples);
  const takeOvers = await measureP99(say, `${samples} runs whose server is killed`, handingOn("SIGKILL"));
  const handOvers = await measureP99(say, `${samples} runs whose server is stopped`, handingOn("SIGTERM"));
  return [
    row("takeOverP99Seconds", `SIGKILL to the next epoch's first word, ${takeOvers.of}`, takeOvers.median, "<= 15"),
    row("handOverP99Seconds", `SIGTERM to the next epoch, ${handOvers.of}`, handOvers.median, "<= 2"),
  ];
}

async function measureCommands(say: Say): Promise<Row[]> {
  const acks = await measureP99(say, "Commands and clicks at 200 a second", () => measureAcks(secondsOfCommands));
  const what = `acknowledging commands and clicks at 200/s with 30 ms a round trip, ${acks.of}`;
  return [row("ackP99Ms", what, acks.median, "<= 300")];
}

/** Measures so many times, takes each time's 99th percentile, and of these the one in the middle. */
async function measureP99(say: Say, what: string, measure: () => Promise<number[]>) {
  const p99s: number[] = [];
  const counts: number[] = [];
  for (let time = 1; time <= times; time += 1) {
    say(`${what}, ${time} of ${times} ...`);
    const measured = await measure();
    p99s.push(percentile(measured, 99));
    counts.push(measured.length);
  }
  return { median: median(p99s), of: `median of ${times} with ${counts.join(", ")} samples` };
}

async function measureServers(say: Say): Promise<Row[]> {
  say(`A server beside its database, ${times} times ...`);
  const servers = [];
  for (let time = 0; time < times; time += 1) servers.push(await measureServer());
  return [
    row(
      "readySeconds",
      `muster serve, from its start to ready, median of ${times}`,
      median(servers.map(({ readySeconds }) => readySeconds)),
      "<= 1.5",
    ),
    row("idleMb", `memory it holds then, median of ${times}`, median(servers.map(({ idleMb }) => idleMb)), "<= 250"),
    row(
      "busyMb",
      `and with 50 runs at once, median of ${times}`,
      median(servers.map(({ busyMb }) => busyMb)),
      "<= 400",
    ),
  ];
}

async function measureThousand(say: Say): Promise<Row[]> {
  say(`A thousand services, of which twenty have a database, at ${manyScale} lab seconds a second ...`);
  const { outcome, seconds, bound, route53Writes } = await measureMany({
    services: 1000,
    databases: 20,
    scale: manyScale,
    say,
  });
  const parts = Object.entries(bound.parts).map(([part, time]) => `${part} ${Math.round(time)}`);
  say(`  ${outcome}: ${seconds} lab seconds; at least ${Math.round(bound.seconds)} (${parts.join(", ")})`);
  return [
    row(
      "over1000Quota",
      "a planned move of 1,000 services in 4 waves, played once, by the shortest that quotas and delays allow",
      seconds === null ? null : seconds / bound.seconds,
      "<= 1.3",
    ),
    row("route53Writes", "batches of changes that Route 53 took for it", route53Writes, "<= 16"),
  ];
}

function overCriticalPath({ toolSeconds, criticalPathSeconds }: Played["figures"]): number {
  return (toolSeconds ?? Infinity) / criticalPathSeconds;
}

function row(key: string, what: string, value: number | null, bar: string): Row {
  return { key, what, bar, value: value === null ? null : Math.round(value * 100) / 100 };
}

function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

function median(values: number[]): number {
  return percentile(values, 50);
}
