import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";

/** What a health check is told to watch. */
export type HealthCheckConfig = {
  type: "HTTP" | "HTTPS" | "RECOVERY_CONTROL";
  /** Seconds between two looks: 10 or 30. */
  intervalSeconds: number;
  /** So many looks in a row change its mind. */
  failureThreshold: number;
  inverted: boolean;
  disabled: boolean;
  host?: string;
  port?: number;
  path?: string;
  routingControl?: string;
};

/** What one look at an endpoint found: good or not, and as the checkers word it. */
export type Look = { ok: boolean; says: string };

export type HealthCheck = {
  id: string;
  reference: string;
  version: number;
  config: HealthCheckConfig;
  /** The endpoint as the checkers have made up their mind, before any inversion. */
  endpointOk: boolean;
  last?: Look & { at: Date };
};

type Options = {
  clock: Clock;
  /** Asks an endpoint as a health checker does, over the internet. */
  ask: (config: HealthCheckConfig) => Promise<Look>;
};

/**
 * Route 53's health checkers, which live in no region: they go on while the control plane is down. Here they are one, whose
 * opinion is everybody's.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
 */
export class HealthChecks {
  readonly #checks = new Map<string, HealthCheck>();
  readonly #deleted = new Set<string>();
  readonly #options: Options;
  readonly #closing = new AbortController();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Makes a check and starts to look. Until it has looked often enough its endpoint counts as healthy. */
  create(reference: string, config: HealthCheckConfig): HealthCheck {
    const check: HealthCheck = { id: randomUUID(), reference, version: 1, config, endpointOk: true };
    this.#checks.set(check.id, check);
    void this.#watch(check).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) throw error;
    });
    return check;
  }

  get(id: string): HealthCheck | undefined {
    return this.#checks.get(id);
  }

  get all(): readonly HealthCheck[] {
    return [...this.#checks.values()];
  }

  /**
   * Deletes a check: what somebody does in the console. Its reference is remembered; Route 53 forgets it after a number of days,
   * the lab never.
   * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html
   */
  delete(id: string): void {
    const check = this.#checks.get(id);
    if (!check) throw new Error(`there is no health check ${id}`);
    this.#checks.delete(id);
    this.#deleted.add(check.reference);
  }

  /** Tells whether a reference is that of a deleted check. */
  wasDeleted(reference: string): boolean {
    return this.#deleted.has(reference);
  }

  /** Tells what DNS makes of a check. A disabled one is always healthy, an inverted one the opposite of what it would be. */
  isHealthy(id: string): boolean {
    const check = this.#checks.get(id);
    if (!check) return true;
    const { disabled, inverted } = check.config;
    return (disabled || check.endpointOk) !== inverted;
  }

  /** Changes a check's settings behind everybody's back: what somebody does in the console. */
  edit(id: string, change: Partial<HealthCheckConfig>): void {
    const check = this.#checks.get(id);
    if (!check) throw new Error(`there is no health check ${id}`);
    Object.assign(check, { config: { ...check.config, ...change }, version: check.version + 1 });
  }

  close(): void {
    this.#closing.abort();
  }

  async #watch(check: HealthCheck): Promise<void> {
    const { clock, ask } = this.#options;
    for (let against = 0; ;) {
      // A routing control tells by itself; all others are asked.
      const pause = check.config.type === "RECOVERY_CONTROL" ? 5 : check.config.intervalSeconds;
      await clock.sleep(pause, this.#closing.signal);
      if (!this.#checks.has(check.id)) return;
      if (check.config.disabled) continue;
      const look = await ask(check.config);
      check.last = { ...look, at: clock.now() };
      against = look.ok === check.endpointOk ? 0 : against + 1;
      const enough = check.config.type === "RECOVERY_CONTROL" ? 1 : check.config.failureThreshold;
      if (against >= enough) [check.endpointOk, against] = [look.ok, 0];
    }
  }
}
