import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Estate, SecretReference } from "./estate.ts";
import { UserError } from "./errors.ts";
import { Config, decoded } from "./settings.ts";

/** Settings that are wrong when they are empty: whoever set them counts on them. */
const neverEmpty = new Set(["SLACK_SIGNING_SECRET"]);

/**
 * Reads the settings from an environment, whole or not at all; no value is ever shown.
 * @throws UserError that names every missing or wrong setting.
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const present = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => value !== undefined && (value !== "" || neverEmpty.has(name))),
  );
  const parsed = Config.safeParse(present);
  const faults = parsed.success
    ? faultsBetween(parsed.data)
    : parsed.error.issues.map((issue) => faultOf(issue, present));
  if (parsed.success && faults.length === 0) return parsed.data;
  const count = faults.length === 1 ? "1 setting is" : `${faults.length} settings are`;
  throw new UserError({
    happened: `${count} missing or wrong:\n${faults.map((fault) => `  ${fault}`).join("\n")}\n`,
    means: "Muster did not start, and touched nothing.",
    todo: "Set them in the environment; docs/configuration.md explains each one.",
  });
}

/** Names the estate file that the settings mean, for whoever writes it before there are other settings. */
export const estatePathOf = (env: Record<string, string | undefined>): string =>
  Config.shape.ESTATE.parse(env["ESTATE"] || undefined);

function faultOf(issue: z.core.$ZodIssue, present: Record<string, unknown>): string {
  const name = String(issue.path[0]);
  return name in present ? `${name}: ${issue.message}` : `${name}: not set`;
}

function faultsBetween(config: Config): string[] {
  const faults: string[] = [];
  const hearing = (["SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"] as const).filter((name) => config[name]);
  if (config.SLACK_BOT_TOKEN && hearing.length === 0)
    faults.push("SLACK_APP_TOKEN or SLACK_SIGNING_SECRET: neither is set, but SLACK_BOT_TOKEN is");
  if (!config.SLACK_BOT_TOKEN && hearing.length > 0)
    faults.push(`SLACK_BOT_TOKEN: not set, but ${hearing.join(" and ")} is`);
  faults.push(...faultsOfRedis(config));
  if (config.CALL_TIMEOUT_MILLISECONDS * 2 > config.LEASE_MILLISECONDS) {
    faults.push("CALL_TIMEOUT_MILLISECONDS: expected at most half of LEASE_MILLISECONDS");
  }
  if (config.EXTRA_CA_FILE !== undefined && readOrNothing(config.EXTRA_CA_FILE) === undefined) {
    faults.push("EXTRA_CA_FILE: the file cannot be read");
  }
  if (config.MUSTER_KEY && Buffer.from(config.MUSTER_KEY, "base64").length !== 32) {
    faults.push("MUSTER_KEY: expected 32 bytes in base64");
  }
  return faults;
}

/** Settings that say something of the Redis which sentinels name, and of no other. */
const withSentinels = [
  "REDIS_MASTER",
  "REDIS_USER",
  "REDIS_PASSWORD",
  "REDIS_SENTINEL_USER",
  "REDIS_SENTINEL_PASSWORD",
] as const;

function faultsOfRedis(config: Config): string[] {
  if (!config.REDIS_SENTINELS) {
    const lonely: string[] = withSentinels.filter((name) => config[name] !== undefined);
    if (config.REDIS_TLS === "on") lonely.push("REDIS_TLS");
    return lonely.map((name) => `${name}: set, but REDIS_SENTINELS is not; what REDIS_URL needs stands in it`);
  }
  return [
    ...(config.REDIS_URL ? ["REDIS_SENTINELS: set, and REDIS_URL too; expected one of them"] : []),
    ...(config.REDIS_MASTER === undefined ? ["REDIS_MASTER: not set, but REDIS_SENTINELS is"] : []),
  ];
}

/** Makes the reader of the secrets that the estate refers to. */
export function secretReader(
  env: Record<string, string | undefined> = process.env,
): (reference: SecretReference) => string {
  return (reference) => {
    const value = valueOf(reference, env);
    if (value) return value.trim();
    const where = "env" in reference ? `the environment variable ${reference.env}` : reference.file;
    throw new UserError({
      happened: `A secret the estate refers to is not there, or cannot be read: ${where}.`,
      means: "Nothing was changed.",
      todo: "Provide it, and try again.",
    });
  };
}

/** Settings of the AWS SDK that are secrets; it reads them by itself. */
const ofAws = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/** Lists the secrets among the settings of an environment, be they right or wrong. */
export function secretsIn(env: Record<string, string | undefined> = process.env): string[] {
  const names = Object.entries(Config.shape).flatMap(([name, schema]) => (isSecret(schema) ? [name] : []));
  return [...names, ...ofAws].flatMap((name) => readingsOf(env[name]));
}

/** Lists every secret this process knows: what no log, message or journal may show. */
export function secretsOf(estate: Estate, env: Record<string, string | undefined>): string[] {
  const references = [
    estate.statusPage?.token,
    ...Object.values(estate.services).flatMap((service) =>
      service.databases.flatMap(({ writer, replica }) => [writer.appRole, replica.appRole]),
    ),
  ].filter((reference) => reference !== undefined);
  return [...secretsIn(env), ...references.flatMap((reference) => readingsOf(valueOf(reference, env)))];
}

const valueOf = (reference: SecretReference, env: Record<string, string | undefined>): string | undefined =>
  "env" in reference ? env[reference.env] : readOrNothing(reference.file);

/** The forms in which a secret can turn up: as it is, and the password of an address, encoded or not. */
export function readingsOf(secret: string | undefined): string[] {
  const value = secret?.trim();
  return value ? [value, ...passwordsIn(value)] : [];
}

function isSecret(schema: z.ZodType): boolean {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
  return schema.meta()?.["secret"] === true || inner.meta()?.["secret"] === true;
}

function passwordsIn(value: string): string[] {
  if (!URL.canParse(value)) return [];
  const { password } = new URL(value);
  return password ? [password, decoded(password) ?? password] : [];
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
