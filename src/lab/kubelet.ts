import { request as httpRequest } from "node:http";
import type { Clock } from "../clock.ts";
import { closeWhenStuck, within } from "./deadline.ts";
import type { Power } from "./power.ts";
import type { RequestLog } from "./request-log.ts";

/** A pod whose program runs. */
export type Probed = {
  address: { host: string; port: number };
  /** Told each time the pod becomes ready, or is not ready any more. */
  becomes(ready: boolean): void;
  /** Whether its program waits for a database that is dead by the lab's own doing: then nobody waits on the wall to find out. */
  isStuck(): boolean;
};

type Options = { log: RequestLog; clock: Clock; region: string; power: Power };

type Known = { ready: boolean; everReady: boolean; misses: number; asked: boolean };

/** Kubernetes' defaults for a readiness probe; a pod that was never ready has a startup probe of its own. In seconds. */
const probe = { startupPeriodSeconds: 2, periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 1 };

/**
 * Asks the pods of a region for their health over HTTP, as the kubelets of several nodes do: all at once, and none waits
 * for another's answer. One round is about every deployment, so that a lab of many sleeps no worse than one of few.
 */
export class Kubelet {
  readonly #options: Options;
  readonly #pods = new Map<Probed, Known>();
  readonly #closing = new AbortController();
  readonly #under = new Set<Promise<void>>();
  #goesRound = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Asks a pod now, and from then on, until it is forgotten. Returns when it answered, or did not in time. */
  async watch(pod: Probed): Promise<void> {
    this.#pods.set(pod, { ready: false, everReady: false, misses: 0, asked: false });
    await this.#look([pod]);
    if (this.#goesRound) return;
    this.#goesRound = true;
    this.#begin(this.#goRound().finally(() => (this.#goesRound = false)));
  }

  /** Asks a pod no more; what it answers from now on is not heard. */
  forget(pod: Probed): void {
    this.#pods.delete(pod);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the lab was closed"));
    await Promise.all(this.#under);
  }

  #begin(work: Promise<void>): void {
    const kept = work.catch((error: unknown) => {
      if (!this.#closing.signal.aborted) throw error;
    });
    this.#under.add(kept);
    void kept.finally(() => this.#under.delete(kept));
  }

  async #goRound(): Promise<void> {
    let sinceAll = 0;
    while (this.#pods.size > 0) {
      const starting = [...this.#pods.values()].some(({ everReady }) => !everReady);
      const seconds = starting ? probe.startupPeriodSeconds : probe.periodSeconds - sinceAll;
      await this.#options.clock.sleep(seconds, this.#closing.signal);
      await this.#options.power.whenOn(this.#closing.signal);
      sinceAll += seconds;
      const all = sinceAll >= probe.periodSeconds;
      if (all) sinceAll = 0;
      const due = [...this.#pods].filter(([, { everReady, asked }]) => !asked && (all || !everReady));
      if (due.length > 0) this.#begin(this.#look(due.map(([pod]) => pod)));
    }
  }

  async #look(pods: readonly Probed[]): Promise<void> {
    const { log, region } = this.#options;
    const request = log.begin(`kubelet-${region}`, "GET /health", `${pods.length} pods`);
    closeWhenStuck(log, request);
    await Promise.all(pods.map((pod) => this.#lookAt(pod)));
    log.close(request, 200);
  }

  async #lookAt(pod: Probed): Promise<void> {
    const known = this.#pods.get(pod);
    if (!known) return;
    known.asked = true;
    const healthy = await this.#isHealthy(pod);
    known.asked = false;
    if (!this.#pods.has(pod) || this.#options.power.down) return;
    known.misses = healthy ? 0 : known.misses + 1;
    const ready = healthy || (known.ready && known.misses < probe.failureThreshold);
    if (ready === known.ready) return;
    known.ready = ready;
    known.everReady ||= ready;
    pod.becomes(ready);
  }

  #isHealthy(pod: Probed): Promise<boolean> {
    const request = httpRequest({ ...pod.address, path: "/health", agent: false });
    const answer = new Promise<boolean>((resolve, reject) => {
      request.on("response", (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on("error", reject);
    });
    request.end();
    return within(this.#options.clock, probe.timeoutSeconds, answer, () => pod.isStuck())
      .catch(() => false)
      .finally(() => request.destroy());
  }
}
