import type { KubeConfig } from "@kubernetes/client-node";
import { Agent, ProxyAgent, request, type Dispatcher } from "undici";
import { rootCertificates } from "node:tls";
import { call, type CallContext, type CallOptions } from "../call.ts";
import { CannotContinue } from "../errors.ts";
import { clip } from "../spelling.ts";
import type { Names } from "./dns.ts";

export type ClusterSettings = {
  /** As the estate calls it. */
  name: string;
  context: string;
  kubeconfigFile?: string | undefined;
  connectTimeoutMs: number;
  names: Names;
  ca?: string | undefined;
  /** Told of the token that requests carry. */
  learnSecret?: ((secret: string) => void) | undefined;
};

/** One Kubernetes API, spoken to over HTTPS. client-node only reads the kubeconfig and fetches credentials: its typed
 * calls open a connection each, know no signal, and take a login page for an empty list. */
export type Cluster = {
  name: string;
  /** Reads the kubeconfig and fetches credentials ahead of the first call: half a second or more. Rejects as that call would. */
  prepare(): Promise<void>;
  /** Whether the kubeconfig asks the server to prove its name. Rejects where it cannot be read. */
  provesName(): Promise<boolean>;
  send(ask: Ask, signal: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
};

type Ask = { method: "GET" | "PATCH" | "POST"; path: string; contentType?: string; body?: unknown };

/** An answer of the API server that is no success. The message is the server's own; never keep one about a Secret. */
export class KubernetesError extends Error {
  readonly status: number;
  readonly reason: string | undefined;

  constructor(status: number, reason: string | undefined, message: string) {
    super(message);
    this.name = "KubernetesError";
    this.status = status;
    this.reason = reason;
  }
}

/** The thing was changed by somebody else since it was read. Nothing was changed; read again. */
export function isConflict(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 409;
}

/** The API server refused, and nothing was changed. A 5xx or silence proves nothing. */
export function isRefusedByCluster(error: unknown): boolean {
  return error instanceof KubernetesError && error.status >= 400 && error.status < 500;
}

/** How long credentials are waited for ahead of the first call; a program that hangs holds nobody up for longer. */
const patienceAheadMs = 10_000;

/** Makes the connection to one cluster; nothing is read before the first call. */
export function makeCluster(settings: ClusterSettings): Cluster {
  let config: Promise<KubeConfig> | undefined;
  const load = () => {
    config ??= loadConfig(settings).catch((error: unknown) => {
      // Read again at the next call: somebody may have put the file right.
      config = undefined;
      throw error;
    });
    return config;
  };
  /** Credentials that are being fetched. */
  let fetching: { by: KubeConfig; options: Promise<Credentials> } | undefined;
  /**
   * Fetches credentials, which may start a program (`aws eks get-token`): whoever asks meanwhile waits for the same one. What
   * somebody gave up waiting for may hang, and is started anew for the next.
   */
  const credentialsOf = async (kubeconfig: KubeConfig, signal: AbortSignal): Promise<Credentials> => {
    signal.throwIfAborted();
    if (fetching?.by !== kubeconfig) fetching = { by: kubeconfig, options: fetchCredentials(kubeconfig) };
    const mine = fetching;
    const { promise: gaveUp, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await Promise.race([mine.options, gaveUp]);
    } finally {
      signal.removeEventListener("abort", giveUp);
      if (fetching === mine) fetching = undefined;
    }
  };
  let agent: { key: string; dispatcher: Dispatcher } | undefined;

  return {
    name: settings.name,
    async prepare() {
      await credentialsOf(await load(), AbortSignal.timeout(patienceAheadMs));
    },
    async provesName() {
      return (await load()).getCurrentCluster()?.skipTLSVerify !== true;
    },
    async send(ask, signal) {
      const loading = load();
      const kubeconfig = await loading;
      const server = kubeconfig.getCurrentCluster();
      if (!server) throw new Error(`The kubeconfig has no cluster for the context "${settings.context}".`);
      const options = await credentialsOf(kubeconfig, signal);
      const { ca, cert, key, rejectUnauthorized } = options;
      const credentials = textHeaders(options.headers);
      for (const value of Object.values(credentials)) settings.learnSecret?.(value.replace(/^\w+ /, ""));
      // Client certificates may come from a credential plugin and change, and a kubeconfig that is read again may name another
      // authority: the agent changes with them.
      const agentKey = [cert, ca, server.proxyUrl, server.tlsServerName].join("\n");
      if (agent?.key !== agentKey) {
        const tls = {
          ca: ca ?? (settings.ca ? [...rootCertificates, settings.ca] : undefined),
          cert,
          key,
          rejectUnauthorized,
          servername: server.tlsServerName,
          lookup: settings.names.lookup,
          timeout: settings.connectTimeoutMs,
        };
        const connect = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
        const dispatcher = server.proxyUrl
          ? new ProxyAgent({ uri: server.proxyUrl, requestTls: connect })
          : new Agent({ connect, connections: 8, pipelining: 1 });
        agent = { key: agentKey, dispatcher };
      }
      const { dispatcher } = agent;
      const { method, path, contentType, body } = ask;
      const headers = { ...credentials, accept: "application/json", ...contentHeader(contentType) };
      const sent = body === undefined ? null : JSON.stringify(body);
      const url = `${server.server.replace(/\/$/, "")}${path}`;
      const answer = await request(url, { method, headers, body: sent, signal, dispatcher });
      // Refused credentials are forgotten: the next call reads the file, and asks its program, anew.
      if (answer.statusCode === 401 && config === loading) config = undefined;
      return read(answer.statusCode, await answer.body.text());
    },
    async close() {
      await agent?.dispatcher.destroy();
    },
  };
}

/** Sends one request to a cluster. @throws KubernetesError when it is refused, CannotContinue when our rights do not reach. */
export async function askCluster(
  ctx: CallContext,
  cluster: Cluster,
  name: string,
  ask: Ask,
  options?: CallOptions,
): Promise<unknown> {
  try {
    const target = `kubernetes ${cluster.name}`;
    return await call(ctx, `kubernetes.${name}`, (signal) => cluster.send(ask, signal), { ...options, target });
  } catch (error) {
    if (!(error instanceof KubernetesError) || (error.status !== 401 && error.status !== 403)) throw error;
    throw new CannotContinue(
      {
        happened: `The cluster ${cluster.name} did not let Muster ${ask.method} ${ask.path.split("?")[0]} (${error.status}).`,
        means: "This call changed nothing.",
        todo: "Give Muster's role that right, or renew its credentials, then press Continue.",
      },
      { cause: error },
    );
  }
}

// Half a second and 80 MB: only who talks to a cluster loads it. One object a cluster, so that users never mix.
async function loadConfig(settings: ClusterSettings): Promise<KubeConfig> {
  const { KubeConfig: Config } = await import("@kubernetes/client-node");
  const config = new Config();
  if (settings.kubeconfigFile) config.loadFromFile(settings.kubeconfigFile);
  else config.loadFromDefault();
  config.setCurrentContext(settings.context);
  return config;
}

type Credentials = Parameters<KubeConfig["applyToHTTPSOptions"]>[0];

async function fetchCredentials(kubeconfig: KubeConfig): Promise<Credentials> {
  const options: Credentials = {};
  await kubeconfig.applyToHTTPSOptions(options);
  return options;
}

function read(status: number, text: string): unknown {
  const body = parse(text);
  if (status >= 200 && status < 300 && isObject(body)) return body;
  if (status >= 200 && status < 300) {
    throw new KubernetesError(
      status,
      undefined,
      "the API server answered with something that is not JSON: a login page, it seems",
    );
  }
  const { reason, message } = isObject(body) ? body : {};
  const said = typeof message === "string" ? message : clip(text.replaceAll(/\s+/g, " "), 200);
  throw new KubernetesError(status, typeof reason === "string" ? reason : undefined, `${status} ${said}`.trim());
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textHeaders(headers: unknown): Record<string, string> {
  if (!isObject(headers)) return {};
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function contentHeader(contentType: string | undefined): Record<string, string> {
  return contentType ? { "content-type": contentType } : {};
}
