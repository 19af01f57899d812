import { RDSClient } from "@aws-sdk/client-rds";
import { Route53Client } from "@aws-sdk/client-route-53";
import { Route53RecoveryClusterClient } from "@aws-sdk/client-route53-recovery-cluster";
import type { S3 } from "@aws-sdk/client-s3";
import type { STS } from "@aws-sdk/client-sts";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { createSecureContext, rootCertificates } from "node:tls";
import { makeNames, type Names, type NameSettings } from "./dns.ts";
import { makeCluster, type Cluster } from "./kubernetes-client.ts";
import { UserError } from "../errors.ts";
import type { ClusterEndpoint } from "./routing-controls.ts";
import { objectHost, type S3Object } from "./s3.ts";
import type { PgSettings, SslMode } from "./postgres.ts";
import type { Web } from "./probe.ts";
import { makeStatusPages, type StatusPages } from "./statuspage.ts";

export type ClientSettings = NameSettings & {
  /** Where the AWS APIs are, when not where AWS has them. The region is read from the signature. */
  rdsEndpoint?: string | undefined;
  route53Endpoint?: string | undefined;
  stsEndpoint?: string | undefined;
  /** Where Statuspage's API is, version included, when not where Atlassian has it. */
  statusPageUrl?: string | undefined;
  s3Endpoint?: string | undefined;
  /** PEM text of authorities to trust beside the built-in ones. */
  extraCa?: string | undefined;
  /** Unset: the library's own order (KUBECONFIG, the home folder, the pod's service account). */
  kubeconfigFile?: string | undefined;
  /** The AWS region where this process runs. */
  homeRegion?: string | undefined;
  /** Estate cluster name to the kubeconfig's context. */
  clusters: Readonly<Record<string, { context: string }>>;
  /** Told of each credential that a client fetched by itself, so that nobody ever shows it. */
  learnSecret?: (secret: string) => void;
  /** Muster's own role in users' databases. */
  guard: { user: string; password: string; ssl: SslMode };
  /** Wall milliseconds a connection may take to open. */
  connectTimeoutMs: number;
};

/** What adapters talk through, one object a process. */
export type Clients = {
  rds(region: string): RDSClient;
  route53: Route53Client;
  /** By the regional endpoint: the global one is in us-east-1. */
  sts(region: string): Promise<STS>;
  /** S3 of one region, and of no other: what is asked of it needs that region only. */
  s3(region: string): Promise<S3>;
  /** One endpoint of a recovery cluster: the estate says where it is, so nothing has to be asked for that. */
  recoveryCluster: (endpoint: ClusterEndpoint) => Route53RecoveryClusterClient;
  /** Where strangers read an object: not signed for, and so not counting on Muster's rights. */
  objectUrl(object: S3Object): string;
  /** @throws UserError when the estate has no such cluster. */
  cluster(name: string): Cluster;
  names: Names;
  pg: PgSettings;
  web: Web;
  statusPages: StatusPages;
  /** Closes kept connections, so that the process can end. */
  close(): Promise<void>;
};

/** Makes the clients of a process. Nothing is connected before its first call. */
export function makeClients(settings: ClientSettings): Clients {
  const names = makeNames(settings);
  const ca = settings.extraCa ? [...rootCertificates, settings.extraCa] : undefined;
  // A connection a call: one kept from before a region died would hold the next call until its timeout.
  const agentOptions = { keepAlive: false, maxSockets: 20, lookup: names.lookup, ...(ca ? { ca } : {}) };
  const requestHandler = {
    httpAgent: new HttpAgent(agentOptions),
    httpsAgent: new HttpsAgent(agentOptions),
    connectionTimeout: settings.connectTimeoutMs,
  };
  // The engine decides about second calls; a retry inside the SDK would repeat an effect that nobody looked for.
  const common = { maxAttempts: 1, requestHandler };

  const statusPages = makeStatusPages({ url: settings.statusPageUrl, names, ca });
  const rds = new Map<string, RDSClient>();
  const sts = new Map<string, Promise<STS>>();
  const s3 = new Map<string, Promise<S3>>();
  const recoveryClusters = new Map<string, Route53RecoveryClusterClient>();
  const clusters = new Map<string, Cluster>();
  return {
    names,
    rds: (region) =>
      getOrMake(rds, region, () => new RDSClient({ ...common, region, ...endpoint(settings.rdsEndpoint) })),
    // The region is where its login goes: a client asks STS in its own (https://github.com/aws/aws-sdk-js-v3/issues/5105), and
    // us-east-1 may be what is left. Its requests are signed for us-east-1 all the same: AWS's own endpoints say so, any other
    // does not. China and GovCloud have a Route 53 of their own.
    route53: new Route53Client({
      ...common,
      region: settings.homeRegion ?? "us-east-1",
      ...(settings.route53Endpoint && !/^(?:cn|us-gov)-/.test(settings.homeRegion ?? "")
        ? { signingRegion: "us-east-1" }
        : {}),
      ...endpoint(settings.route53Endpoint),
    }),
    // Few estates need these two: the package is loaded when its first client is.
    sts: (region) =>
      getOrMake(sts, region, async () => {
        const { STS: Client } = await import("@aws-sdk/client-sts");
        return new Client({ ...common, region, ...endpoint(settings.stsEndpoint) });
      }),
    s3: (region) =>
      getOrMake(s3, region, async () => {
        const { S3: Client } = await import("@aws-sdk/client-s3");
        return new Client({ ...common, region, ...endpoint(settings.s3Endpoint) });
      }),
    recoveryCluster: ({ region, url }) =>
      getOrMake(
        recoveryClusters,
        `${region} ${url}`,
        () => new Route53RecoveryClusterClient({ ...common, region, endpoint: url }),
      ),
    objectUrl: (object) =>
      settings.s3Endpoint
        ? new URL(`${object.bucket}/${object.key}`, `${settings.s3Endpoint}/`).href
        : `https://${objectHost(object)}/${object.key}`,
    cluster(name) {
      // Read at each call: the estate may have been read again.
      const context = Object.hasOwn(settings.clusters, name) ? settings.clusters[name]?.context : undefined;
      if (!context) throw unknownCluster(name);
      const { kubeconfigFile, connectTimeoutMs, learnSecret, extraCa: ca } = settings;
      return getOrMake(clusters, `${name} ${context}`, () =>
        makeCluster({ name, context, kubeconfigFile, connectTimeoutMs, names, ca, learnSecret }),
      );
    },
    pg: { names, guard: settings.guard, connectTimeoutMs: settings.connectTimeoutMs, ca },
    web: { names, trust: ca && createSecureContext({ ca }) },
    statusPages,
    async close() {
      requestHandler.httpAgent.destroy();
      requestHandler.httpsAgent.destroy();
      await Promise.all([statusPages.close(), ...[...clusters.values()].map((cluster) => cluster.close())]);
    },
  };
}

function endpoint(url: string | undefined) {
  return url ? { endpoint: url } : {};
}

function unknownCluster(name: string): UserError {
  return new UserError({
    happened: `"${name}" is not a cluster of the estate file.`,
    means: "Nothing was changed.",
    todo: `Add it under "clusters", with the kubeconfig context it is reached by.`,
  });
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known) return known;
  const made = make();
  map.set(key, made);
  return made;
}
