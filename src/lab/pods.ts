import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { drawDelay } from "./delays.ts";
import type { Kubelet, Probed } from "./kubelet.ts";
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

type Pod = { view: PodView; app?: App; probed?: Probed };

type Options = {
  log: RequestLog;
  clock: Clock;
  random: () => number;
  region: string;
  /** "shop/checkout" */
  deployment: string;
  host: string;
  power: Power;
  /** Off while pods that are to end do not. */
  endings: Power;
  app: AppSettings;
  /** Asks the pods whether they are ready. */
  kubelet: Kubelet;
  /** Reads the config value that a pod is started with; without one it cannot start. Left out where pods need no database. */
  databaseHost?(): string | undefined;
  /** Tells that pods came, went or changed. */
  changed(pods: readonly PodView[]): void;
};

/** How long a pod that cannot start for want of its config waits before it tries again: the kubelet's first back-off. */
const restartSeconds = 10;

export type Pods = {
  /** Pods as they are; those that are being deleted are among them. */
  views(): PodView[];
  /** Starts and ends pods until they are as wanted; returns the longest delay drawn for it at first, in lab seconds. */
  follow(wanted: Wanted, options?: { atOnce?: boolean }): number;
  /** Waits until every pod that is to start has started, and every pod that is to end has ended. */
  settled(): Promise<void>;
  close(): Promise<void>;
};

/** Runs the pods of one deployment: their programs are real, and a kubelet asks their health. */
export function openPods(options: Options): Pods {
  const { clock, random, deployment, power, endings, kubelet } = options;
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
    };
    pods.add(pod);
    changed();
    await wait(seconds);
    let databaseHost = options.databaseHost?.();
    while (options.databaseHost && databaseHost === undefined && !isEnding(pod)) {
      await wait(restartSeconds);
      databaseHost = options.databaseHost();
    }
    if (isEnding(pod)) return;
    const { host, region } = options;
    const request = options.log.begin(`kubelet-${region}`, "start pod", name);
    const told = databaseHost === undefined ? {} : { databaseHost };
    const app = await startApp({ ...options.app, host, power, pod: name, region, ...told });
    options.log.close(request, "started");
    if (closing.signal.aborted || isEnding(pod)) return app.stop();
    const address = { host: app.host, port: app.port };
    pod.app = app;
    const isStuck = () => databaseHost !== undefined && options.app.isDead?.(databaseHost) === true;
    pod.probed = { address, isStuck, becomes: (ready) => become(pod, ready) };
    pod.view = { ...pod.view, ...told, startedAt: clock.now(), address };
    await kubelet.watch(pod.probed);
    changed();
  };
  const become = (pod: Pod, ready: boolean) => {
    pod.view = { ...pod.view, ready, ...(ready ? { readyAt: clock.now() } : {}) };
    changed();
    reconcile();
  };

  const end = async (pod: Pod, seconds: number) => {
    if (pod.probed) kubelet.forget(pod.probed);
    pod.view = { ...pod.view, deletedAt: clock.now(), ready: false };
    changed();
    await wait(seconds);
    await endings.whenOn(closing.signal);
    const request = options.log.begin(`kubelet-${options.region}`, "stop pod", pod.view.name);
    await pod.app?.stop();
    options.log.close(request, "stopped");
    pods.delete(pod);
    changed();
    reconcile();
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
      await Promise.allSettled(under);
      pods.clear();
    },
  };
}

function isEnding(pod: Pod): boolean {
  return pod.view.deletedAt !== undefined;
}
