import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import type { KyselyPlugin } from "kysely";
import { brokenClaims } from "../../jobs/propose/propose.ts";
import { makeClients } from "../../src/adapters/clients.ts";
import { Activity } from "../../src/activity.ts";
import { readConfig } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import { openDriver, type Driver } from "../../src/engine/drive.ts";
import type { AnyGate, AnyStep } from "../../src/engine/step.ts";
import type { Lab } from "../../src/lab/lab.ts";
import { openContext } from "../../src/main.ts";
import { prepareClusters, quiet } from "./stage.ts";

/** Which step's deed passes a point, for those points whose names do not say it. */
const deed = new AsyncLocalStorage<string>();
/** Set while a call is under way. */
const underCall = new AsyncLocalStorage<true>();

/** Asked at every point with its name; true abandons the worker there. */
export type AtPoint = (name: string) => boolean;

/** One worker of a play. */
export type Worker = {
  name: string;
  driver: Driver;
  /** Fires when it was abandoned: it passes no point any more, for ever. */
  crashed: AbortSignal;
  /** Ends it: what it drives is handed over, unless it was abandoned. */
  end(): Promise<void>;
};

/** What workers of one play share because it is slow to open: settings, estate, and connections to Muster's database. */
export type Crew = {
  openWorker(name: string, atPoint: AtPoint): Promise<Worker>;
  /** Queries that reached Muster's database without a named point before them. */
  unnamed: string[];
  close(): Promise<void>;
};

/** Prepares workers that drive directly, and can be abandoned at every point that they pass. */
export async function openCrew(lab: Lab): Promise<Crew> {
  const { env, clock, random } = { env: lab.environment, clock: lab.time.clock, random: lab.random };
  const activity = new Activity();
  const forget = lab.time.count(activity);
  const common = await openContext(readConfig(env), { clock, env, random, log: quiet, activity });
  const unnamed: string[] = [];
  const db = common.ctx.db.withPlugin(watchingFor(unnamed));
  const steps = named(common.ctx.steps);

  const openWorker = async (name: string, atPoint: AtPoint): Promise<Worker> => {
    const crash = new AbortController();
    const own = new Activity();
    const during = own.during.bind(own);
    own.during = (work) => during(() => underCall.run(true, work));
    const forgetOwn = lab.time.count(own);
    const point = (passed: string) => {
      const where = deed.getStore();
      if (!crash.signal.aborted && !atPoint(where ? `${where}: ${passed}` : passed)) return Promise.resolve();
      if (!crash.signal.aborted) forgetOwn();
      crash.abort();
      return new Promise<void>(() => undefined);
    };
    const clients = clientsOf(common.ctx, env);
    const ctx: Context = {
      ...common.ctx,
      db,
      steps,
      clients,
      point,
      worker: name,
      activity: own,
      // Looks before the start are no changes: on a busy machine they may outlast a lease that is renewed meanwhile.
      brokenClaims: (runId) => brokenClaims({ ...ctx, callTimeoutMs: 1000 }, runId),
    };
    await prepareClusters(ctx);
    const driver = openDriver(ctx);
    const end = async () => {
      if (!crash.signal.aborted) {
        await driver.stop();
        forgetOwn();
      }
      await clients.close();
    };
    return { name, driver, crashed: crash.signal, end };
  };
  const close = async () => {
    forget();
    await common.close();
  };
  return { openWorker, unnamed, close };
}

/** As main.ts makes them. A worker has its own, because what waits in them ends with it. */
function clientsOf({ estate }: Context, env: Record<string, string>) {
  const config = readConfig(env);
  return makeClients({
    rdsEndpoint: config.AWS_ENDPOINT_URL_RDS,
    route53Endpoint: config.AWS_ENDPOINT_URL_ROUTE_53,
    s3Endpoint: config.AWS_ENDPOINT_URL_S3,
    extraCa: readFileSync(config.EXTRA_CA_FILE ?? "", "utf8"),
    kubeconfigFile: config.KUBECONFIG,
    clusters: estate.clusters,
    guard: { user: config.GUARD_USER, password: config.GUARD_PASSWORD ?? "", ssl: config.GUARD_SSL },
    connectTimeoutMs: config.CALL_TIMEOUT_MILLISECONDS,
    resolvers: config.RESOLVERS ?? [],
    publicResolvers: config.PUBLIC_RESOLVERS,
    dnsPort: config.DNS_PORT,
  });
}

/** Notes every query that is made outside of `call()`. */
function watchingFor(unnamed: string[]): KyselyPlugin {
  return {
    transformQuery: ({ node }) => {
      if (!underCall.getStore()) unnamed.push(`${deed.getStore() ?? "the engine"}: ${new Error().stack}`);
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
}

type Steps = Context["steps"];

/** The same steps, whose points are known to be theirs. */
function named(steps: Steps): Steps {
  return new Map([...steps].map(([name, step]) => [name, step.kind === "gate" ? step : namedStep(name, step)]));
}

function namedStep(name: string, step: AnyStep): AnyStep | AnyGate {
  const { apply } = step;
  return {
    ...step,
    observe: (...args) => deed.run(`${name} looks`, () => step.observe(...args)),
    ...(apply
      ? { apply: (...args: Parameters<typeof apply>) => deed.run(`${name} changes`, () => apply(...args)) }
      : {}),
  };
}
