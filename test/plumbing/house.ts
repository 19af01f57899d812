import { stripTypeScriptTypes } from "node:module";
import { posix } from "node:path";

/**
 * The house from top to bottom. A room imports from floors below it and from itself; rooms of one floor do not know
 * each other. The top and the bottom floor are one room each.
 */
export const floors: readonly (readonly string[])[] = [
  ["wiring"],
  ["commands"],
  ["alerts", "watch", "metrics", "doctor", "init"],
  ["jobs"],
  ["facts"],
  ["steps"],
  ["incidents", "escalation", "paging", "statuspage", "people"],
  ["engine", "inbox"],
  ["outbox"],
  ["adapters", "db"],
  ["ground"],
];

/** What belongs to the top floor. Every other file right in src/ is ground; every other folder is a room of its name. */
const wiring = /^src\/(?:main|cli|terminal|checkup|follow|http|queue|queue-redis)\.ts$|^src\/(?:slack|lab|embedded)\//;

/** Packages that only some files may use; the first pattern that matches a package decides. */
const keptPackages: readonly { packages: RegExp; in: RegExp; why: string }[] = [
  {
    packages: /^@slack\/web-api$/,
    in: /^src\/(?:adapters|slack)\//,
    why: "Slack's client is used in src/adapters and src/slack",
  },
  { packages: /^@slack\//, in: /^src\/slack\//, why: "Bolt is used in src/slack only" },
  {
    packages: /^(?:@aws-sdk|@smithy|@kubernetes)\//,
    in: /^src\/adapters\//,
    why: "SDK clients are used in src/adapters only",
  },
  { packages: /^bullmq$/, in: /^src\/queue\.ts$/, why: "only src/queue.ts knows the queue" },
  { packages: /^ioredis$/, in: /^src\/queue-redis\.ts$/, why: "only src/queue-redis.ts knows Redis" },
  {
    packages: /^prom-client$/,
    in: /^src\/metrics\/registry\.ts$/,
    why: "only src/metrics/registry.ts knows prom-client",
  },
  {
    packages: /^@opentelemetry\//,
    in: /^src\/trace\.ts$/,
    why: "only src/trace.ts knows OpenTelemetry, and of it the API",
  },
  { packages: /^cockatiel$/, in: /^src\/breaker\.ts$/, why: "only src/breaker.ts knows the library of the breakers" },
  { packages: /^nodemailer$/, in: /^src\/adapters\//, why: "mail leaves through src/adapters" },
  { packages: /^pg$/, in: /^src\/(?:adapters|db|lab)\//, why: "connections are made in src/adapters and src/db" },
];

export type Sources = ReadonlyMap<string, string>;

/** Names the room a file stands in, or undefined for a file outside the house (tests, settings of tools). */
export function roomOf(file: string): string | undefined {
  if (wiring.test(file)) return "wiring";
  if (/^src\/[^/]+\.ts$/.test(file)) return "ground";
  return /^(?:src\/)?(commands|jobs)\//.exec(file)?.[1] ?? /^src\/([^/]+)\//.exec(file)?.[1];
}

/**
 * Lists what a file loads when it runs, with the dynamic imports. `import type` is not among it: Node's own eraser has
 * removed it before we look.
 */
export function importsOf(source: string): string[] {
  const code = stripTypeScriptTypes(source, { mode: "strip" });
  const patterns = [
    /^[ \t]*import\s+(?:[^;'"()]*?\sfrom\s*)?["']([^"']+)["']/gm,
    /^[ \t]*export\s+(?:\*|\{)[^;'"]*?\sfrom\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ""));
}

/** Says which imports break the house, a sentence each. */
export function brokenImports(sources: Sources, devPackages: ReadonlySet<string> = new Set()): string[] {
  return [...sources].flatMap(([file, source]) =>
    importsOf(source).flatMap((name) => {
      const broken = name.startsWith(".") ? brokenRelative(file, name) : brokenPackage(file, name, devPackages);
      return broken ? [`${file} imports ${name}: ${broken}`] : [];
    }),
  );
}

function brokenRelative(file: string, name: string): string | undefined {
  const target = posix.join(posix.dirname(file), name);
  const from = roomOf(file);
  const to = roomOf(target);
  if (from === undefined) return undefined;
  if (to === undefined) return "it lies outside the house";
  if (target.startsWith("src/lab/") && !file.startsWith("src/lab/")) return "the product does not know the lab";
  if (from === to) return undefined;
  const [fromFloor, toFloor] = [floorOf(from), floorOf(to)];
  if (fromFloor < 0) return `the room ${from} has no floor in test/plumbing/house.ts`;
  if (toFloor < 0) return `the room ${to} has no floor in test/plumbing/house.ts`;
  if (fromFloor === toFloor) return `${from} and ${to} are rooms of one floor`;
  return fromFloor > toFloor ? `${to} stands above ${from}` : undefined;
}

function brokenPackage(file: string, name: string, devPackages: ReadonlySet<string>): string | undefined {
  if (name.startsWith("node:") || roomOf(file) === undefined) return undefined;
  const base = name.split("/", name.startsWith("@") ? 2 : 1).join("/");
  if (devPackages.has(base) && !file.startsWith("src/lab/")) return "a development package is not there in production";
  const kept = keptPackages.find(({ packages }) => packages.test(base));
  return kept && !kept.in.test(file) ? kept.why : undefined;
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room));
}

/** Says which files break a rule about their text. */
export function brokenText(sources: Sources): string[] {
  return [...sources].flatMap(([file, source]) =>
    textRules.filter(({ files, found }) => files.test(file) && found(source)).map(({ why }) => `${file}: ${why}`),
  );
}

const machineFolders = ["work", "root", "home", "tmp", "Users"].join("|");
const machinePath = new RegExp(String.raw`(?<![\w.\])}*-])/(?:${machineFolders})/`);
const registryHost = new RegExp(["registry", "npmjs", "org"].join(String.raw`\.`));
const environment =
  /\bprocess\.env\b|\bprocess\[["']env["']\]|\{[^}]*\benv\b[^}]*\}\s*from\s*["'](?:node:)?process["']/;
const leftOut =
  /\b(?:it|test|describe)(?:\.\w+)*\.(?:only|skip|todo|failing)\b|\b(?:xit|xtest|xdescribe|fit|fdescribe)\(/;

const textRules: readonly { files: RegExp; found: (source: string) => boolean; why: string }[] = [
  {
    files: /^(?:src\/(?!lab\/|(?:config|main|cli)\.ts$)|commands\/|jobs\/)/,
    found: (source) => environment.test(source),
    why: "only src/config.ts reads the environment",
  },
  {
    // These hand the environment on, whole, to whoever they start.
    files: /^src\/(?:main|cli)\.ts$/,
    found: (source) => /\bprocess\.env\s*(?:\?\.|[.[])/.test(source),
    why: "only src/config.ts reads the environment",
  },
  {
    files: /\.ts$/,
    found: (source) => source.trimEnd().split("\n").length > 300,
    why: "it has more than 300 lines; split it into two things",
  },
  { files: /\.test\.ts$/, found: (source) => leftOut.test(source), why: "a test is left out (only, skip, todo)" },
  { files: /./, found: (source) => machinePath.test(source), why: "it names a folder of one machine" },
  { files: /./, found: (source) => registryHost.test(source), why: "it names a package registry" },
];
