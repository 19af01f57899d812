import { describe, expect, it } from "@jest/globals";
import { openLog } from "../../src/log.ts";
import { makeRedactor, redactDeep } from "../../src/redact.ts";
import { found, strangers } from "./canaries.ts";

describe("the redactor", () => {
  const redact = makeRedactor(new Set(["correct horse", "abc", "correct horse battery"]));

  it.each(strangers(1))("knows $kind by its looks", ({ text, core }) => {
    for (const around of [text, `it failed (${text}), and that was it`, `"${text}"`, JSON.stringify({ said: text })])
      expect(redact(around)).not.toContain(core);
    // What was redacted before it was kept is redacted again before it is shown.
    expect(redact(redact(text))).toBe(redact(text));
  });

  it.each([
    ["what it was told of, the longest first", "no correct horse battery here", "no [redacted] here"],
    ["nothing that is too short to be one", "abc is no secret", "abc is no secret"],
    ["only the password of an address", "postgres://ana:pw1234@db:5432/x", "postgres://ana:[redacted]@db:5432/x"],
    ["an address with a port and an @ further on", "http://db:8080/mail?to=a@b", "http://db:8080/mail?to=a@b"],
    [
      "what people type",
      "/failover us-west-2 checkout --reason token: lost",
      "/failover us-west-2 checkout --reason token: lost",
    ],
    ["settings that are named", "GUARD_PASSWORD: not set", "GUARD_PASSWORD: not set"],
    [
      "an ARN",
      "arn:aws:rds:us-east-1:123456789012:db:checkout-db",
      "arn:aws:rds:us-east-1:123456789012:db:checkout-db",
    ],
    [
      "a sentence about passwords",
      "its password expires; the token is refused",
      "its password expires; the token is refused",
    ],
    [
      "a sentence about headers",
      "the header x-api-key: lost; OAuth authentication is refused",
      "the header x-api-key: lost; OAuth authentication is refused",
    ],
    ["two of them", "xoxb-1-2 and xapp-1-2", "[redacted] and [redacted]"],
  ])("takes out %s", (_name, text, wanted) => {
    expect(redact(text)).toBe(wanted);
  });

  it("goes through a value to its ground, and knows a secret by the name of its field", () => {
    const at = new Date(0);
    const value = { a: [{ b: "correct horse" }], password: "short", tokens: 3, n: null, at };
    expect(redactDeep(redact, value)).toEqual({
      a: [{ b: "[redacted]" }],
      password: "[redacted]",
      tokens: 3,
      n: null,
      at,
    });
  });

  it("stands before the log, fields and message alike, and learns while it goes on", () => {
    const secrets = new Set<string>();
    const lines: string[] = [];
    const log = openLog("debug", makeRedactor(secrets), { write: (line) => void lines.push(line) });
    secrets.add("learnt later");
    log.warn({ error: "learnt later", deep: { stack: "at learnt later" } }, "a line about learnt later");
    log.debug({ token: "x" }, "quiet");
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({
        level: "warn",
        error: "[redacted]",
        deep: { stack: "at [redacted]" },
        msg: "a line about [redacted]",
      }),
      expect.objectContaining({ level: "debug", token: "[redacted]" }),
    ]);
  });
});

describe("the search for canaries", () => {
  it("finds one in whatever form it got out", () => {
    const canaries = strangers(1);
    const [first] = canaries;
    for (const form of [first?.core ?? "", Buffer.from(first?.core ?? "").toString("base64")])
      expect(found(canaries, `before ${form} after`)).toHaveLength(1);
    expect(found(canaries, "nothing")).toEqual([]);
  });
});
