import { z } from "zod";
import { commands } from "../../commands/index.ts";
import { Config } from "../../src/settings.ts";
import { Estate } from "../../src/estate.ts";
import { listMetrics } from "../../src/metrics/open.ts";
import { slackManifest } from "../../src/slack/manifest.ts";

type Described = {
  description?: string;
  default?: unknown;
  secret?: boolean;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Described>;
  additionalProperties?: Described | boolean;
  items?: Described;
  anyOf?: Described[];
  oneOf?: Described[];
  required?: string[];
};

/** The files under docs/ that are made from the schemas in src/, by path. */
export function referenceFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/configuration.md", configurationPage()],
    ["docs/estate-reference.md", estatePage()],
    ["docs/metrics.md", metricsPage()],
    ["docs/slack-manifest.yaml", manifestFile()],
    ["docs/slack-manifest-http.yaml", manifestFile("https://muster.example.com")],
    ["docs/estate.schema.json", JSON.stringify(z.toJSONSchema(Estate, { io: "input" }), null, 2) + "\n"],
  ]);
}

function configurationPage(): string {
  const schema = z.toJSONSchema(Config, { io: "input", unrepresentable: "any" }) as Described;
  const rows = Object.entries(schema.properties ?? {}).map(([name, setting]) => {
    // Parsed rather than read from the schema, which does not hold the defaults of settings that are transformed.
    const unset = Config.shape[name as keyof typeof Config.shape].safeParse(undefined);
    return `| \`${name}\` | ${unset.success ? show(unset.data) : "**required**"} | ${setting.secret ? "Secret. " : ""}${setting.description ?? ""} |`;
  });
  return [
    "# Settings",
    made("src/settings.ts"),
    "Settings come from the environment, and are read once, whole or not at all: Muster names every fault and does not start. No value",
    "is ever printed. A setting that is empty counts as unset. What Muster looks after stands elsewhere, in the [estate](estate.md).",
    "",
    "| setting | default | what it is |",
    "| --- | --- | --- |",
    ...rows,
    "",
    "AWS credentials and kubeconfig logins come from the SDKs' own default chains; Muster has no setting for them.",
    "",
  ].join("\n");
}

function estatePage(): string {
  const schema = z.toJSONSchema(Estate, { io: "input", unrepresentable: "any" }) as Described;
  return [
    "# Every key of the estate file",
    made("src/estate.ts"),
    "`<name>` stands for a name of your own, `[]` for each entry of a list. An unknown key is an error, so a misspelt one is found.",
    "[estate.md](estate.md) explains the file with an example.",
    "",
    "| key | default | what it is |",
    "| --- | --- | --- |",
    ...keysOf(schema, ""),
    "",
  ].join("\n");
}

function metricsPage(): string {
  const rows = listMetrics().map(({ name, type, labels, help }) => {
    const named = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${named} | ${help} |`;
  });
  return [
    "# Metrics",
    made("src/metrics/"),
    "Every server answers `/metrics` at its HTTP port, in Prometheus's text format. [seen.md](seen.md) tells how to collect them, and what",
    "dashboard and alerts come with Muster. Labels are names of the estate and of Muster's own parts: no run, person or text is ever one.",
    "",
    "What a process counts of its own doing is to be added up over servers (`sum`). What is true of the whole installation is read from the",
    "database for each answer, the same by every server: take the largest (`max`). Ages and waits are in seconds of Muster's clock.",
    "",
    "| metric | type | labels | what it is |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** The app for the default estate: /muster, and a bare command for each verb of bareCommands that there is. */
function manifestFile(url?: string): string {
  const bareCommands = Estate.shape.bareCommands.parse(undefined);
  const own = url === undefined ? "muster manifest" : "muster manifest --url https://...";
  return [
    "# Made from commands/ by `npm run docs`; change it there.",
    `# For an estate with other bareCommands, and your own address: ${own}`,
    slackManifest({ commands, bareCommands, url }),
  ].join("\n");
}

/** Walks a schema and gives each key a row, parents before their children. */
function keysOf(whole: Described, prefix: string): string[] {
  const schema = whole.oneOf ? merged(whole.oneOf) : whole;
  const children = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const key = prefix === "" ? name : `${prefix}.${name}`;
    const needed =
      schema.required?.includes(name) && child.default === undefined ? "**required**" : show(child.default);
    return [`| \`${key}\` | ${needed} | ${tell(child)} |`, ...keysOf(child, key)];
  });
  const entries =
    typeof schema.additionalProperties === "object" ? keysOf(schema.additionalProperties, `${prefix}.<name>`) : [];
  const items = schema.items ? keysOf(schema.items, `${prefix}[]`) : [];
  return [...children, ...entries, ...items];
}

/** Shapes that one key tells apart, as one: what only some of them have says with which it goes. */
function merged(
  shapes: Described[],
  names = shapes.map((shape) => show(shape.properties?.["driver"]?.const)),
): Described {
  const name = (shape: Described) => names[shapes.indexOf(shape)] ?? "";
  const holding = (key: string) => shapes.filter((shape) => shape.properties?.[key]);
  const keys = new Set(shapes.flatMap((shape) => Object.keys(shape.properties ?? {})));
  const properties = Object.fromEntries(
    [...keys].map((key) => {
      const [first] = holding(key);
      const child = first?.properties?.[key] ?? {};
      if (key === "driver") return [key, { enum: shapes.map((shape) => shape.properties?.[key]?.const) }];
      if (holding(key).length === shapes.length) {
        const inside = shapes.map((shape) => shape.properties?.[key] ?? {});
        return [key, child.properties ? { ...child, ...merged(inside, names) } : child];
      }
      const only = `With ${holding(key).map(name).join(", ")} only.`;
      return [key, { ...child, description: [child.description, only].filter(Boolean).join(" ") }];
    }),
  );
  return {
    properties,
    required: [...keys].filter((key) => holding(key).every((shape) => shape.required?.includes(key))),
  };
}

function tell(schema: Described): string {
  const choices = schema.anyOf?.flatMap((choice) => Object.keys(choice.properties ?? {})) ?? [];
  const values = schema.const !== undefined ? [schema.const] : (schema.enum ?? []);
  const shape =
    choices.length > 0
      ? `One of ${choices.map((name) => `\`{ ${name}: ... }\``).join(", ")}. `
      : values.length > 0
        ? `One of ${values.map(show).join(", ")}. `
        : "";
  return `${shape}${schema.description ?? ""}`.trim();
}

const made = (from: string) => `\n<!-- Made from ${from} by \`npm run docs\`; change it there. -->\n`;

const show = (value: unknown): string =>
  value === undefined
    ? ""
    : `\`${Array.isArray(value) && value.length > 0 ? value.join(", ") : typeof value === "string" ? value : JSON.stringify(value)}\``;
