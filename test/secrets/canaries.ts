import { randomBytes } from "node:crypto";

/** A secret that was planted, and the part of it that must turn up nowhere. */
export type Canary = { kind: string; text: string; core: string };

const letters = (count: number) => randomBytes(count).toString("hex").slice(0, count);
const capitals = (count: number) => letters(count).toUpperCase();

/** Secrets of others that a server may quote in its errors: nobody told Muster of them, so they are known by their looks. */
const looks: readonly [kind: string, wrap: (core: string) => string][] = [
  ["a database URL", (core) => `postgres://svc:${core}@db.internal:5432/orders`],
  ["a database URL with an @ in its password", (core) => `postgres://svc:p@${core}@db.internal/orders`],
  ["a Redis URL without a user", (core) => `redis://:${core}@cache.internal:6379/0`],
  ["a token for a user in an address", (core) => `https://${core}${core}@git.internal/repo.git`],
  ["Slack's bot token", (core) => `xoxb-2401-2402-${core}`],
  ["Slack's app token", (core) => `xapp-1-A024-${core}`],
  ["a Slack webhook", (core) => `https://hooks.slack.com/services/T024/B024/${core}`],
  ["an address of Slack's for one answer", (core) => `https://hooks.slack.com/commands/T024/7/${core}`],
  ["an address of Slack's for one button", (core) => `https://hooks.slack.com/actions/T024/7/${core}`],
  ["AWS's key id", (core) => `AKIA${core.toUpperCase().padEnd(16, "Q").slice(0, 16)}`],
  ["AWS's secret key", (core) => `aws_secret_access_key=${core}/+${core}`],
  ["a signed AWS request", (core) => `X-Amz-Security-Token=${core}&X-Amz-Date=20261123T120000Z`],
  ["a header", (core) => `Authorization: Bearer ${core}`],
  ["a header of OAuth", (core) => `Authorization: OAuth ${core}`],
  ["a header with AWS's token", (core) => `x-amz-security-token:${core}//////////${core}`],
  ["a header with a key", (core) => `X-Api-Key: ${core}`],
  ["a header for a proxy with a token", (core) => `Proxy-Authorization: Bearer ${core}`],
  ["a header for a proxy", (core) => `Proxy-Authorization: Negotiate ${core}`],
  ["a header with user and password", (core) => `Authorization: Basic ${core}==`],
  ["a service account's token", (core) => `eyJhbGciOiJSUzI1NiJ9.eyJ${core}.${core}`],
  ["a private key", (core) => `-----BEGIN RSA PRIVATE KEY----- ${core} -----END RSA PRIVATE KEY-----`],
  ["a private key of a kubeconfig", (core) => `client-key-data: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1${core}K`],
  ["a connection string", (core) => `host=db.internal user=svc password=${core} sslmode=require`],
  ["a statement", (core) => `alter role svc password '${core}'`],
  ["a field of JSON", (core) => `{"clientSecret":"${core}","id":7}`],
  ["an authenticator's address", (core) => `otpauth://totp/Muster:ana?secret=${core}&issuer=Muster`],
  ["GitHub's token", (core) => `ghp_${core}${core}`],
  ["GitLab's token", (core) => `glpat-${core}${core}`],
];

/** Makes some secrets of each look. */
export const strangers = (ofEach: number): Canary[] =>
  looks.flatMap(([kind, wrap]) =>
    Array.from({ length: ofEach }, () => {
      const core = letters(14);
      const text = wrap(core);
      return { kind, text, core: kind === "AWS's key id" ? text : core };
    }),
  );

/** Makes a password that has no looks at all: only who was told of it knows it. */
export function password(kind: string): Canary {
  const core = `Plain${capitals(4)}horse${letters(6)}`;
  return { kind, text: core, core };
}

/** Finds the canaries in a text, also where they were written as JSON, in a URL, as HTML or in base64 writes them. */
export function found(canaries: readonly Canary[], text: string): string[] {
  return canaries
    .filter(({ core }) =>
      [core, encodeURIComponent(core), Buffer.from(core).toString("base64").replace(/=+$/, "")].some((form) =>
        text.includes(form),
      ),
    )
    .map(
      ({ kind, core }) => `${kind}: ...${text.slice(Math.max(0, text.indexOf(core) - 60), text.indexOf(core) + 40)}`,
    );
}
