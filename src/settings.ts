import { isIP } from "node:net";
import { z } from "zod";

const secret = z.string().min(1).meta({ secret: true });
const aboveZero = "expected a whole number above 0";
const wholeNumber = z.coerce.number(aboveZero).int(aboveZero).min(1, aboveZero);
const port = "expected a port, 0 to 65535";
const addresses = z
  .string()
  .transform((text) => text.split(",").map((address) => address.trim()))
  .refine((all) => all.every(isAddress), "expected addresses (ip or ip:port) with commas between them");
const sentinels = z
  .string()
  .transform((text) => text.split(",").map((one) => one.trim()))
  .refine((all) => all.every(isSentinel), "expected sentinels (host or host:port) with commas between them");
const url = "expected an address such as https://example.com/";

/** A secret that is an address; what it shows stands for what is expected, and never for what was given. */
const secretUrl = (protocol: RegExp, shows: string) =>
  z
    .string()
    .refine((text) => isUrl(text, protocol), `expected an address such as ${shows}`)
    .meta({ secret: true });

/** Every setting there is. The description beside one is its entry in docs/configuration.md. */
export const Config = z.object({
  DATABASE_URL: secretUrl(/^postgres(ql)?:$/, "postgres://user:password@host:5432/database").describe(
    "Postgres that holds runs, journals and what goes in and out. Keep it outside every region you may have to leave. On another machine it is spoken to in clear unless the address ends in ?sslmode=verify-full: then the line is encrypted, and the server proves its name (&sslrootcert= and a path, where an authority of your own signed for it).",
  ),
  REDIS_URL: secretUrl(/^rediss?:$/, "redis://user:password@host:6379")
    .optional()
    .describe(
      "Redis that rings the workers. Unset: Postgres rings them. Losing it delays runs by seconds; it loses none.",
    ),
  REDIS_SENTINELS: sentinels
    .optional()
    .describe(
      "Instead of REDIS_URL: the sentinels (host:port, three or more) that know which Redis is the master now. After a failover the workers go to the new one by themselves.",
    ),
  REDIS_MASTER: z.string().optional().describe("The name by which the sentinels know that master, such as mymaster."),
  REDIS_USER: z.string().optional().describe("User of the Redis that the sentinels name. Unset: its default user."),
  REDIS_PASSWORD: secret.optional().describe("That user's password."),
  REDIS_SENTINEL_USER: z.string().optional().describe("User of the sentinels themselves. Unset: their default user."),
  REDIS_SENTINEL_PASSWORD: secret.optional().describe("That user's password. Unset: they ask for none."),
  REDIS_TLS: z
    .enum(["on", "off"])
    .default("off")
    .describe(
      "Whether the sentinels, and the Redis they name, are spoken to over TLS. In REDIS_URL, rediss:// says so.",
    ),
  ESTATE: z.string().default("estate.yaml").describe("Path of the estate file."),
  SLACK_BOT_TOKEN: secret.optional().describe("The bot's token (xoxb-...). Unset: no Slack; the terminal still works."),
  SLACK_APP_TOKEN: secret
    .optional()
    .describe("The app-level token (xapp-...) for Socket Mode: nothing has to reach Muster from outside."),
  SLACK_SIGNING_SECRET: z
    .string()
    .regex(/^\S{16,}$/, "expected the app's signing secret, at least 16 characters; an empty one would let anybody in")
    .meta({ secret: true })
    .optional()
    .describe(
      "The app's signing secret, where Slack posts to Muster (HTTP_PORT, /slack/events) instead of Socket Mode. Where SLACK_APP_TOKEN is set too, Socket Mode is used and nothing is served at that path. Set but empty: Muster does not start.",
    ),
  // Each delivery is a transaction of two round trips: at two hundred a second and 30 ms each, twelve are under way.
  SLACK_DATABASE_CONNECTIONS: wholeNumber
    .default(14)
    .describe("Connections of a server to its own database that are kept for what people say in Slack."),
  SLACK_API_URL: z.url(url).default("https://slack.com/api/").describe("Where Slack's Web API is."),
  STATUSPAGE_URL: z.url(url).default("https://api.statuspage.io/v1").describe("Where Statuspage's API is."),
  SMTP_URL: secretUrl(/^smtps?:$/, "smtp://user:password@host:587")
    .optional()
    .describe(
      "Mail server: smtp://user:password@host:port, or smtps:// where it speaks TLS from the first byte (port 465). A password is only sent encrypted: a server behind smtp:// must offer STARTTLS, unless it is on this machine (localhost, 127.0.0.1, [::1]). Unset: no mail is sent.",
    ),
  MAIL_FROM: z.string().default("muster@localhost").describe("Sender of mails."),
  KUBECONFIG: z
    .string()
    .optional()
    .describe("Path of the kubeconfig with the contexts the estate names. Unset: the client's own default."),
  GUARD_USER: z.string().default("muster").describe("Muster's own role in users' databases."),
  GUARD_PASSWORD: secret.optional().describe("That role's password. Unset: Muster cannot log in to users' databases."),
  GUARD_SSL: z
    .enum(["verify-full", "require", "disable"])
    .default("verify-full")
    .describe(
      "How Muster's own connections to users' databases are kept from others. verify-full: encrypted, and the server proves its name (for RDS, EXTRA_CA_FILE holds AWS's bundle of authorities). require: encrypted, to whoever answers. disable: neither.",
    ),
  MUSTER_KEY: secret
    .optional()
    .describe(
      "32 bytes in base64: encrypts the TOTP secrets kept in Postgres. Unset: nobody can approve in a terminal.",
    ),
  AWS_REGION: z
    .string()
    .regex(/^[a-z0-9-]+$/, "expected a region such as eu-west-1")
    .optional()
    .describe(
      "The AWS region where Muster runs: its login for Route 53 goes to STS there. Unset: to us-east-1, and not at all while that is dark.",
    ),
  AWS_ENDPOINT_URL_RDS: z.url(url).optional().describe("Where RDS is. Unset: AWS's own regional endpoints."),
  AWS_ENDPOINT_URL_ROUTE_53: z.url(url).optional().describe("Where Route 53's control plane is. Unset: AWS's own."),
  AWS_ENDPOINT_URL_STS: z.url(url).optional().describe("Where STS is. Unset: AWS's own regional endpoints."),
  AWS_ENDPOINT_URL_S3: z.url(url).optional().describe("Where S3 is. Unset: AWS's own regional endpoints."),
  RESOLVERS: addresses.optional().describe("DNS servers (ip:port) for every name Muster opens. Unset: the system's."),
  PUBLIC_RESOLVERS: addresses
    .default(["1.1.1.1", "8.8.8.8"])
    .describe("Resolvers that customers use: what they answer is checked after traffic was shifted."),
  DNS_PORT: wholeNumber.max(65_535, port).default(53).describe("Port of the zones' authoritative name servers."),
  EXTRA_CA_FILE: z.string().optional().describe("PEM file of certificate authorities to trust beside the usual ones."),
  LEASE_MILLISECONDS: wholeNumber
    .default(10_000)
    .describe(
      "How long a run belongs to a worker without a sign of life. A dead worker's run is taken over after this.",
    ),
  CALL_TIMEOUT_MILLISECONDS: wholeNumber
    .default(5000)
    .describe("How long one call to the outside may take. At most half a lease."),
  HTTP_PORT: z.coerce
    .number(port)
    .int(port)
    .min(0, port)
    .max(65_535, port)
    .default(8080)
    .describe("Port of /healthz, /readyz, /metrics and, where Slack posts to Muster, /slack/events; 0 takes any."),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info").describe("How much is logged."),
});

export type Config = z.infer<typeof Config>;

function isUrl(text: string, protocol: RegExp): boolean {
  return URL.canParse(text) && protocol.test(new URL(text).protocol) && decoded(text) !== undefined;
}

/** 10.0.0.2, 10.0.0.2:53, ::1 or [::1]:53. */
function isAddress(text: string): boolean {
  const [, bare, port = "53"] = /^\[?([^\]]*?)\]?(?::(\d{1,5}))?$/.exec(text) ?? [];
  return isIP(text) > 0 || (isIP(bare ?? "") > 0 && Number(port) <= 65_535);
}

/** sentinel-1, sentinel-1:26379, 10.0.0.2:26379, ::1 or [::1]:26379. */
function isSentinel(text: string): boolean {
  const [, bracketed, name, port = "1"] = /^(?:\[([^\]]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isHost = bracketed === undefined ? name !== undefined : isIP(bracketed) === 6;
  return isIP(text) === 6 || (isHost && Number(port) > 0 && Number(port) <= 65_535);
}

/** Undoes what an address does to a password; undefined for what no address may hold. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
