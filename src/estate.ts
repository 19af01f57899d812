import { z } from "zod";

/** Where a secret is kept. The value itself never stands in the estate. */
const secretReference = z.union([
  z.strictObject({ env: z.string().min(1) }).describe("The environment variable that holds it."),
  z.strictObject({ file: z.string().min(1) }).describe("The file that holds it."),
]);

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "expected a short name: lower-case letters, digits and dashes, at most 63")
  .describe("A short name: lower-case letters, digits and dashes.");
const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "expected a region such as us-west-2");
const seconds = z.int().min(1);

const objective = z.strictObject({
  rtoSeconds: seconds.optional().describe("How long the service may be away, in seconds."),
  rpoSeconds: z.int().min(0).optional().describe("How many seconds of writes may be lost."),
});

const person = z.strictObject({
  slack: z
    .string()
    .regex(/^[UW][A-Z0-9]+$/, "expected a Slack user id such as U012AB3CD")
    .optional()
    .describe("The Slack user id."),
  mail: z.email().optional().describe("Where mail reaches this person."),
  terminal: z.string().min(1).optional().describe("The login name this person has where the terminal is used."),
});

const appRole = secretReference
  .optional()
  .describe("A postgres:// URL with the role, password and database the application uses. Its host is not used.");

const instance = z.strictObject({
  region,
  instance: z.string().min(1).describe("The RDS instance identifier."),
  appRole,
});

const server = z.strictObject({
  region,
  host: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, "expected a host name in lower case, or an IPv4 address")
    .describe("The server's own name, never a pooler's: Muster promotes and fences what answers there."),
  port: z.int().min(1).max(65_535).default(5432),
  appRole,
});

const cluster = z.strictObject({
  region,
  cluster: z.string().min(1).describe("The identifier of the Aurora cluster in this region."),
  appRole,
});

/** What promotes a replica: one shape a driver. */
const database = z.discriminatedUnion("driver", [
  z.strictObject({ driver: z.literal("rds-postgres"), writer: instance, replica: instance }),
  z.strictObject({ driver: z.literal("postgres"), writer: server, replica: server }),
  z.strictObject({
    driver: z.literal("aurora-postgres"),
    global: z.string().min(1).describe("The identifier of the global cluster that both belong to."),
    writer: cluster,
    replica: cluster,
  }),
]);

const deployment = z.strictObject({
  region,
  cluster: name,
  namespace: name,
  name,
  replicas: z.int().min(1).max(10_000).describe("How many pods serve when this region does."),
  restart: z
    .enum(["at-once", "rollout"])
    .default("at-once")
    .describe(
      "How pods that started before their configuration changed are replaced: all at once, by scaling to 0 and back; or a few at a time, for a region that serves already.",
    ),
});

const config = z.strictObject({
  region,
  cluster: name,
  namespace: name,
  name: z.string().min(1),
  key: z.string().min(1).describe("The key that holds the database's host name."),
});

const gitops = z.strictObject({
  region,
  cluster: name.describe(
    "The cluster that has the Application, Kustomization or HelmRelease, which may be another than its objects'.",
  ),
  tool: z
    .enum(["argocd", "flux", "flux-helm"])
    .describe("An Application of Argo CD, a Kustomization of Flux, or a HelmRelease of Flux (since 2.3)."),
  namespace: name,
  name: z.string().min(1),
});

const health = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe("What customers reach; the prober asks it every 10 seconds."),
  edges: z
    .record(region, z.url({ protocol: /^https?$/ }))
    .describe("Per region, its own front door, asked by its address."),
  limitMs: z.int().min(1).default(1000).describe("Slowest answer that counts as healthy, in milliseconds."),
});

const dnsName = {
  zone: z.string().min(1).describe("The hosted zone's id."),
  name: z.string().min(1).describe("The record's name; one record a region, its set identifier the region's name."),
  type: z.enum(["A", "AAAA", "CNAME"]).default("A"),
  ttl: z.int().min(0).max(86_400).default(60).describe("In seconds."),
};

/** How customers are sent to a region: one shape a driver. */
const traffic = z.discriminatedUnion("driver", [
  z.strictObject({ driver: z.literal("route53-weighted"), ...dnsName }),
  z.strictObject({ driver: z.literal("route53-failover"), ...dnsName }),
  z.strictObject({
    driver: z.literal("route53-switch"),
    ...dnsName,
    primary: region.describe(
      "The region whose failover record is PRIMARY: customers are there while there is no object.",
    ),
    control: z
      .strictObject({
        region: region.describe("The other region, which stands by: its object sends customers there."),
        bucket: z.string().regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, "expected a bucket's name without dots"),
        key: z.string().regex(/^[\w./-]{1,200}$/, "expected letters, digits and . _ / -, at most 200"),
      })
      .describe("The object that the primary's health check watches, inverted."),
  }),
  z.strictObject({
    driver: z.literal("arc-routing-control"),
    ...dnsName,
    endpoints: z
      .array(
        z.strictObject({
          region: region.describe("The endpoint's region; it need not be one of the estate's."),
          url: z.url({ protocol: /^https?$/ }).describe("As DescribeCluster tells it."),
        }),
      )
      .length(5)
      .describe("The five endpoints of the recovery cluster: any of them will do."),
    controls: z
      .record(
        region,
        z
          .string()
          .regex(
            /^arn:aws[a-z-]*:route53-recovery-control::\d{12}:controlpanel\/\w+\/routingcontrol\/\w+$/,
            "expected the ARN of a routing control",
          ),
      )
      .describe("Per region, the ARN of the routing control that its record's health check follows."),
  }),
]);

const service = z.strictObject({
  tier: z
    .enum(["critical", "important", "standard"])
    .default("standard")
    .describe("Sets both objectives: 1 h and 15 min, 4 h and 1 h, a day and a day."),
  ...objective.shape,
  dependsOn: z.array(name).default([]).describe("Services that this one needs."),
  traffic,
  databases: z
    .array(database)
    .max(1)
    .default([])
    .describe("Its database, at most one. None: the service keeps no data of its own, and only its traffic moves."),
  deployments: z.array(deployment).min(1),
  configs: z.array(config).default([]).describe("Keys of config maps that hold the database's host name."),
  gitops: z
    .array(gitops)
    .default([])
    .describe("What keeps its deployments and config maps as Git says: paused for the time of a move."),
  resumeGitops: z
    .enum(["automatic", "person"])
    .default("person")
    .describe(
      "Who lets it go on at the end of a move: what Git says then comes back, also where that is the old region.",
    ),
  health,
  statusComponents: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "Ids of the status page's components that stand for this service: what customers are told while it is moved. None: they are not told.",
    ),
  stabilitySeconds: seconds.default(600).describe("How long the service must stay green in its new region."),
  admission: z
    .enum(["automatic", "person"])
    .default("automatic")
    .describe("Who lets customers in once all checks are green."),
});

const statusPage = z.strictObject({
  page: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, "expected a page's id such as kctbh9vrtdwd")
    .describe("The page's id at Statuspage."),
  token: secretReference.describe("An API key of Statuspage that may change this page."),
});

/** The estate file: what Muster looks after. */
export const Estate = z.strictObject({
  regions: z.array(region).min(2).describe("Every region that is named below, at least two."),
  channels: z.strictObject({
    incidents: z.string().min(1).describe("A channel's name with its #, or its id."),
    backup: z.string().min(1).optional().describe("A further channel in which commands are taken."),
    executives: z.string().min(1).optional().describe("A further channel in which commands are taken."),
  }),
  workspace: z.string().optional().describe("The Slack team id; others are refused. Unset: the token's own."),
  people: z.record(name, person).describe("Everybody Muster knows, by a name of your own."),
  approvers: z.array(name).min(2).describe("Who may approve. Two of them, not the one who asked."),
  region_approvers: z.array(name).min(2).optional().describe("Who may approve the move of a whole region."),
  breakGlass: z
    .array(name)
    .default([])
    .describe("Approvers who may break rules by name in an emergency. Nobody, unless they stand here."),
  coolDownMinutes: z
    .int()
    .min(0)
    .default(30)
    .describe("How long after its last move a service stays where it is, in minutes. 0: no such rule."),
  services: z.record(name, service).describe("What can be moved."),
  statusPage: statusPage
    .optional()
    .describe("The page at Statuspage on which customers are told of a move. Unset: nothing is told there."),
  clusters: z.record(name, z.strictObject({ context: z.string().min(1).describe("A context of the kubeconfig.") })),
  bareCommands: z
    .array(name)
    .default(["failover", "failback", "incident", "page", "ack"])
    .describe("Verbs that also have a slash command of their own; those that Muster does not know count for nothing."),
});

export type Estate = z.infer<typeof Estate>;
export type Service = z.infer<typeof service>;
export type Traffic = z.infer<typeof traffic>;
export type Database = z.infer<typeof database>;
export type Deployment = z.infer<typeof deployment>;
export type GitOpsEntry = z.infer<typeof gitops>;
export type ConfigKey = z.infer<typeof config>;
export type SecretReference = z.infer<typeof secretReference>;

/** Who has this Slack id, or this login. One person has each: else one human could approve under two names. */
export const ownerOf = (people: Estate["people"], key: "slack" | "terminal", value?: string): string | undefined =>
  Object.entries(people).find(([, person]) => value !== undefined && person[key] === value)?.[0];

const tiers = {
  critical: { rtoSeconds: 3600, rpoSeconds: 900 },
  important: { rtoSeconds: 4 * 3600, rpoSeconds: 3600 },
  standard: { rtoSeconds: 24 * 3600, rpoSeconds: 24 * 3600 },
} as const;

/** The recovery objectives of a service, in seconds: its own figures, else its tier's. */
export function objectives(service: Service): { rtoSeconds: number; rpoSeconds: number } {
  const tier = tiers[service.tier];
  return { rtoSeconds: service.rtoSeconds ?? tier.rtoSeconds, rpoSeconds: service.rpoSeconds ?? tier.rpoSeconds };
}
