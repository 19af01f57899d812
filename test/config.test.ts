import { describe, expect, it } from "@jest/globals";
import { readConfig, secretReader, secretsIn, secretsOf } from "../src/config.ts";
import { UserError } from "../src/errors.ts";
import { parseEstate } from "../src/estate-file.ts";
import { labEstate } from "../src/lab/estate.ts";
import { redisOf } from "../src/queue-redis.ts";

const enough = { DATABASE_URL: "postgres://muster:hunter2@db/muster" };

function refusal(work: () => unknown): UserError {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("settings", () => {
  it("one is enough, the rest have defaults", () => {
    expect(readConfig(enough)).toMatchObject({ ...enough, ESTATE: "estate.yaml", LEASE_MILLISECONDS: 10_000 });
  });

  it("an empty one counts as unset", () => {
    expect(readConfig({ ...enough, REDIS_URL: "" }).REDIS_URL).toBeUndefined();
  });

  it("lists of addresses are split at their commas", () => {
    expect(readConfig({ ...enough, RESOLVERS: "127.0.0.1:53 ,[::1]:53,::1" }).RESOLVERS).toEqual([
      "127.0.0.1:53",
      "[::1]:53",
      "::1",
    ]);
  });

  it("sentinels stand for an address of Redis, by name or address, with a port or the usual one", () => {
    const named = { ...enough, REDIS_SENTINELS: "s-1.internal, 10.0.0.2:26380,[::1]:5", REDIS_MASTER: "mymaster" };
    expect(redisOf(readConfig({ ...named, REDIS_PASSWORD: "hunter2", REDIS_TLS: "on" }))).toMatchObject({
      sentinels: ["s-1.internal", "10.0.0.2:26380", "[::1]:5"],
      master: "mymaster",
      password: "hunter2",
      isEncrypted: true,
    });
    expect(redisOf(readConfig({ ...enough, REDIS_URL: "rediss://db" }))).toMatchObject({ url: "rediss://db" });
    expect(redisOf(readConfig(enough))).toBeUndefined();
    expect(secretsIn({ REDIS_PASSWORD: "hunter2", REDIS_SENTINEL_PASSWORD: "hunter3" })).toEqual([
      "hunter2",
      "hunter3",
    ]);
  });

  it.each([
    [{}, ["DATABASE_URL: not set"]],
    [{ ...enough, LEASE_MILLISECONDS: "soon" }, ["LEASE_MILLISECONDS: expected a whole number above 0"]],
    [{ ...enough, LEASE_MILLISECONDS: "0" }, ["LEASE_MILLISECONDS: expected a whole number above 0"]],
    [{ ...enough, HTTP_PORT: "70000" }, ["HTTP_PORT: expected a port, 0 to 65535"]],
    [{ ...enough, HTTP_PORT: "8080.5" }, ["HTTP_PORT: expected a port, 0 to 65535"]],
    [{ ...enough, DNS_PORT: "70000" }, ["DNS_PORT: expected a port, 0 to 65535"]],
    [{ ...enough, RESOLVERS: "10.0.0.2,,10.0.0.3" }, ["RESOLVERS: expected addresses (ip or ip:port)"]],
    [{ ...enough, RESOLVERS: "ns.hunter2.example" }, ["RESOLVERS: expected addresses (ip or ip:port)"]],
    [{ ...enough, PUBLIC_RESOLVERS: "10.0.0.2:99999" }, ["PUBLIC_RESOLVERS: expected addresses (ip or ip:port)"]],
    [{ DATABASE_URL: "hunter2" }, ["DATABASE_URL: expected an address such as postgres://user:password@host:5432/"]],
    [{ DATABASE_URL: "mysql://muster:hunter2@db/muster" }, ["DATABASE_URL: expected an address such as postgres://"]],
    [{ DATABASE_URL: "postgres://muster:hunter2%@db/muster" }, ["DATABASE_URL: expected an address such as "]],
    [{ ...enough, REDIS_URL: "hunter2:6379" }, ["REDIS_URL: expected an address such as redis://user:password@"]],
    [
      { ...enough, REDIS_SENTINELS: "user:hunter2@s-1:26379", REDIS_MASTER: "mymaster" },
      ["REDIS_SENTINELS: expected sentinels (host or host:port) with commas between them"],
    ],
    [{ ...enough, REDIS_SENTINELS: "s-1:0,s-2", REDIS_MASTER: "m" }, ["REDIS_SENTINELS: expected sentinels (host or"]],
    [{ ...enough, REDIS_SENTINELS: "s-1", REDIS_PASSWORD: "hunter2" }, ["REDIS_MASTER: not set, but REDIS_SENTINELS"]],
    [
      { ...enough, REDIS_SENTINELS: "s-1", REDIS_MASTER: "m", REDIS_URL: "redis://:hunter2@db" },
      ["REDIS_SENTINELS: set, and REDIS_URL too; expected one of them"],
    ],
    [
      { ...enough, REDIS_PASSWORD: "hunter2", REDIS_TLS: "on" },
      [
        "REDIS_PASSWORD: set, but REDIS_SENTINELS is not; what REDIS_URL needs stands in it",
        "REDIS_TLS: set, but REDIS_SENTINELS is not",
      ],
    ],
    [{ ...enough, SMTP_URL: "https://hunter2@mail" }, ["SMTP_URL: expected an address such as smtp://user:password@"]],
    [{ ...enough, SLACK_API_URL: "slack" }, ["SLACK_API_URL: expected an address such as https://example.com/"]],
    [{ ...enough, GUARD_SSL: "maybe" }, ["GUARD_SSL: "]],
    [{ ...enough, LOG_LEVEL: "loud" }, ["LOG_LEVEL: "]],
    [{ ...enough, EXTRA_CA_FILE: "no/such/file" }, ["EXTRA_CA_FILE: the file cannot be read"]],
    [{ ...enough, SLACK_APP_TOKEN: "xapp-hunter2" }, ["SLACK_BOT_TOKEN: not set, but SLACK_APP_TOKEN is"]],
    [
      { ...enough, SLACK_BOT_TOKEN: "xoxb-hunter2" },
      ["SLACK_APP_TOKEN or SLACK_SIGNING_SECRET: neither is set, but SLACK_BOT_TOKEN is"],
    ],
    [
      { ...enough, SLACK_SIGNING_SECRET: "hunter2-hunter2-hunter2" },
      ["SLACK_BOT_TOKEN: not set, but SLACK_SIGNING_SECRET is"],
    ],
    [
      { ...enough, SLACK_BOT_TOKEN: "xoxb-hunter2", SLACK_SIGNING_SECRET: "" },
      ["SLACK_SIGNING_SECRET: expected the app's signing secret, at least 16 characters"],
    ],
    [
      { ...enough, SLACK_BOT_TOKEN: "xoxb-hunter2", SLACK_APP_TOKEN: "xapp-hunter2", SLACK_SIGNING_SECRET: "  " },
      ["SLACK_SIGNING_SECRET: expected the app's signing secret"],
    ],
    [{ ...enough, MUSTER_KEY: "hunter2" }, ["MUSTER_KEY: expected 32 bytes in base64"]],
    [
      { ...enough, LEASE_MILLISECONDS: "1000", CALL_TIMEOUT_MILLISECONDS: "600" },
      ["CALL_TIMEOUT_MILLISECONDS: expected at most half of LEASE_MILLISECONDS"],
    ],
    [{ HTTP_PORT: "x", LEASE_MILLISECONDS: "-1" }, ["DATABASE_URL: not set", "LEASE_MILLISECONDS: ", "HTTP_PORT: "]],
  ])("%j is refused whole, and says why without a value", (env, faults) => {
    const { explanation, message } = refusal(() => readConfig(env));
    for (const fault of faults) expect(explanation.happened).toContain(fault);
    expect(explanation.happened).toMatch(
      faults.length === 1 ? /^1 setting is missing or wrong:\n/ : /^\d settings are /,
    );
    expect(explanation.means).toBe("Muster did not start, and touched nothing.");
    expect(message).not.toContain("hunter2");
  });

  it("the secrets that the estate refers to are known, so that nothing shows them", () => {
    const estate = parseEstate(labEstate({ replicas: 1, stabilitySeconds: 60 }), "estate.yaml");
    const env = { CHECKOUT_DB_URL: "postgres://app:hunter2@db/shop", STATUSPAGE_TOKEN: "hunter3" };
    expect(secretsOf(estate, env)).toEqual(expect.arrayContaining(["hunter2", "hunter3"]));
  });

  it("a secret that the estate refers to is read when it is needed, and its absence is said", () => {
    const secret = secretReader({ PASSWORD: "hunter2\n" });
    expect(secret({ env: "PASSWORD" })).toBe("hunter2");
    expect(refusal(() => secret({ env: "NOTHING" })).message).toContain("the environment variable NOTHING");
    expect(refusal(() => secret({ file: "no/such/file" })).message).toContain("no/such/file");
    expect(refusal(() => secret({ file: "test" })).message).toMatch(/or cannot be read: test\. Nothing was changed\./);
  });
});
