import { randomBytes, randomUUID } from "node:crypto";
import { request as httpRequest } from "node:http";
import type { Clock } from "../clock.ts";
import { closeWhenStuck, within } from "./deadline.ts";
import { drawDelay } from "./delays.ts";
import { startApp } from "./pod-app.ts";
import type { App, AppSettings } from "./pod-app.ts";
import type { Power } from "./power.ts";
import type { RequestLog } from "./request-log.ts";
import { nextMove } from "./rollout.ts";
import type { Wanted } from "./rollout.ts";

/** What the cluster knows of a pod. */
export type PodView = {
  name: string;
  uid: string;
  /** Which of its deployment's templates it was made from, and the annotations that one gave it. */
  revision: number;
  annotations: Record<string, string>;
  createdAt: Date;
  startedAt?: Date;
  ready: boolean;
  readyAt?: Date;
  deletedAt?: Date;
  /** The value of its config key when it started. */
  databaseHost?: string;
  address?: { host: string; port: number };
};

type Pod = { view: PodView; app?: App; everReady: boolean; misses: number };

type Options = {
  log: RequestLog;
  clock: Clock;
  random: () => number;
  region: string;
  /** "shop/checkout" */
  deployment: string;
  host: string;
  power: Power;
  app: AppSettings;
  /** Reads the config value that a pod is started with; without one it cannot start. */
  databaseHost(): string | undefined;
  /** Tells that pods came, went or changed. */
  changed(pods: readonly PodView[]): void;
};

/** Kubernetes' defaults for a readiness probe; a pod that was never ready has a startup probe of its own. */
const restartSeconds = 10;
const probe = { startupPeriodSeconds: 2, periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 1 };

export type Pods = {
  /** Pods as they are; those that are being deleted are among them. */
  views(): PodView[];
  /** Starts and ends pods until they are as wanted; returns the longest delay drawn for it at first, in lab seconds. */
  follow(wanted: Wanted, options?: { atOnce?: boolean }): number;
  /** Waits until every pod that is to start has started, and every pod that is to end has ended. */
  settled(): Promise<void>;
  close(): Promise<void>;
};

/** Runs the pods of one deployment: their programs are real, and the kubelet asks their health over HTTP. */
export function openPods(options: Options): Pods {
  const { clock, random, deployment, power } = options;
  const pods = new Set<Pod>();
  const closing = new AbortController();
  const under = new Set<Promise<void>>();
  const changed = () => options.changed(views());
  const views = () => [...pods].map((pod) => ({ ...pod.view }));
  const unlessClosed = (error: unknown) => {
    if (!closing.signal.aborted) throw error;
  };
  const begin = (work: Promise<void>) => {
    const kept = work.catch(unlessClosed);
    under.add(kept);
    void kept.finally(() => under.delete(kept));
  };
  const wait = async (seconds: number) => {
    if (seconds > 0) await clock.sleep(seconds, closing.signal);
    await power.whenOn(closing.signal);
  };

  let wanted: Wanted = { replicas: 0, revision: 1, annotations: {} };
  /** Makes the next move towards what is wanted: the only one, or one of a rollout. */
  const reconcile = (atOnce = false): number => {
    const { starts, ends } = nextMove(views(), wanted);
    const draw = (name: "kubernetes pod starts" | "kubernetes pod stops") => (atOnce ? 0 : drawDelay(name, random));
    const delays: number[] = [];
    for (let count = 0; count < starts; count += 1) {
      const seconds = draw("kubernetes pod starts");
      delays.push(seconds);
      begin(start(seconds));
    }
    for (const pod of [...pods].filter(({ view }) => ends.some((ending) => ending.uid === view.uid))) {
      const seconds = draw("kubernetes pod stops");
      delays.push(seconds);
      begin(end(pod, seconds));
    }
    return Math.max(0, ...delays);
  };

  const start = async (seconds: number) => {
    const name = `${deployment.split("/")[1]}-${randomBytes(5).toString("hex")}`;
    const pod: Pod = {
      view: {
        name,
        uid: randomUUID(),
        revision: wanted.revision,
        annotations: wanted.annotations,
        createdAt: clock.now(),
        ready: false,
      },
      everReady: false,
      misses: 0,
    };
    pods.add(pod);
    changed();
    await wait(seconds);
    let databaseHost = options.databaseHost();
    while (databaseHost === undefined && !pod.view.deletedAt) {
      await wait(restartSeconds);
      databaseHost = options.databaseHost();
    }
    if (databaseHost === undefined || pod.view.deletedAt) return;
    const { host, region } = options;
    const request = options.log.begin(`kubelet-${region}`, "start pod", name);
    const app = await startApp({ ...options.app, host, power, pod: name, region, databaseHost });
    options.log.close(request, "started");
    if (closing.signal.aborted || isEnding(pod)) return app.stop();
    pod.app = app;
    pod.view = { ...pod.view, databaseHost, startedAt: clock.now(), address: { host: app.host, port: app.port } };
    await look([pod]);
    changed();
    startLooking();
  };

  const end = async (pod: Pod, seconds: number) => {
    pod.view = { ...pod.view, deletedAt: clock.now(), ready: false };
    changed();
    await wait(seconds);
    const request = options.log.begin(`kubelet-${options.region}`, "stop pod", pod.view.name);
    await pod.app?.stop();
    options.log.close(request, "stopped");
    pods.delete(pod);
    changed();
    reconcile();
  };

  /** Asks pods for their health, all at once, as the kubelets of several nodes do. */
  const look = async (asked: Pod[]) => {
    const request = options.log.begin(`kubelet-${options.region}`, "GET /health", deployment);
    closeWhenStuck(options.log, request);
    await Promise.all(asked.map(lookAt));
    options.log.close(request, 200);
  };
  const lookAt = async (pod: Pod) => {
    const healthy = await isHealthy(clock, pod.view.address);
    if (power.down || pod.view.deletedAt) return;
    pod.misses = healthy ? 0 : pod.misses + 1;
    const ready = healthy || (pod.view.ready && pod.misses < probe.failureThreshold);
    if (ready === pod.view.ready) return;
    pod.everReady ||= ready;
    pod.view = { ...pod.view, ready, ...(ready ? { readyAt: clock.now() } : {}) };
    changed();
    reconcile();
  };

  let looking = false;
  let lookingEnded = Promise.resolve();
  const startLooking = () => {
    if (looking) return;
    looking = true;
    const ended = keepLooking().finally(() => (looking = false));
    lookingEnded = ended.catch(unlessClosed);
  };
  const keepLooking = async () => {
    let sinceAll = 0;
    while (pods.size > 0) {
      const starting = [...pods].some((pod) => pod.app && !pod.everReady && !pod.view.deletedAt);
      const seconds = starting ? probe.startupPeriodSeconds : probe.periodSeconds - sinceAll;
      await wait(seconds);
      sinceAll += seconds;
      const all = sinceAll >= probe.periodSeconds;
      if (all) sinceAll = 0;
      const due = [...pods].filter((pod) => pod.app && !pod.view.deletedAt && (all || !pod.everReady));
      if (due.length > 0) await look(due);
    }
  };

  return {
    views,
    follow(now, { atOnce = false } = {}) {
      wanted = now;
      return reconcile(atOnce);
    },
    async settled() {
      await Promise.all(under);
    },
    async close() {
      closing.abort(new Error("the lab was closed"));
      await Promise.all([...pods].map((pod) => pod.app?.stop() ?? Promise.resolve()));
      await Promise.allSettled([...under, lookingEnded]);
      pods.clear();
    },
  };
}

function isEnding(pod: Pod): boolean {
  return pod.view.deletedAt !== undefined;
}

function isHealthy(clock: Clock, address: PodView["address"]): Promise<boolean> {
  if (!address) return Promise.resolve(false);
  const request = httpRequest({ ...address, path: "/health", agent: false });
  const answer = new Promise<boolean>((resolve, reject) => {
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("error", reject);
  });
  request.end();
  return within(clock, probe.timeoutSeconds, answer)
    .catch(() => false)
    .finally(() => request.destroy());
}
