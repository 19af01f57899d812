import type { Breakers } from "./breaker.ts";
import type { Activity } from "./activity.ts";
import type { Log } from "./call.ts";
import type { Clock } from "./clock.ts";
import type { Estate, SecretReference } from "./estate.ts";
import type { HostClock } from "./host-clock.ts";
import type { Clients } from "./adapters/clients.ts";
import type { Db } from "./db/connect.ts";
import type { HighWater } from "./engine/high-water.ts";
import type { Meters } from "./meters.ts";
import type { Sender } from "./outbox/sender.ts";
import type { AnyGate, AnyStep } from "./engine/step.ts";

/** Everything a function may reach outside itself; first argument everywhere. Built in main.ts. */
export type Context = {
  estate: Estate;
  /** Muster's own database: runs, journals, inbox, outbox. */
  db: Db;
  /**
   * Connections of their own for what people type and press: Slack waits three seconds, however busy the runs are. Absent in
   * a terminal, which takes in nothing.
   */
  doorDb?: Db;
  /** The clock a person could read; on the same row as muster.now() in the database. */
  clock: Clock;
  now(): Date;
  /** This host's own clock, where one that is off keeps runs from being driven; absent in a terminal. */
  hostClock?: HostClock;
  newId(): string;
  random(): number;
  /** This process, in leases and take-over notices. */
  worker: string;
  /** How new a run's journal may be that this process reads: see engine/lease.ts. */
  engineVersion: number;
  /** How far this process has seen the journal reach. */
  highWater: HighWater;
  /** Kept once the witnesses of a process that starts were heard: no run is leased before. */
  heard?: Promise<void>;
  /** Wall milliseconds a run belongs to a worker without renewal. */
  leaseMs: number;
  /** Wall milliseconds after which a call that leaves the process is given up. */
  callTimeoutMs: number;
  /** Named crash points; a sweep stops the process there. Does nothing in production. */
  point(name: string): Promise<void>;
  activity: Activity;
  log: Log;
  /** Takes secrets out of a text that people or files will see. */
  redact: (text: string) => string;
  /** Which targets are in trouble, as this process has learnt from its calls. */
  breakers?: Breakers;
  /** Set where what is done can wait while its target is in trouble. */
  canWait?: true;
  /**
   * For whom something is asked where many wait for a few turns: a step of a run, or the start of one that people have
   * approved. Absent where somebody only looks.
   */
  onBehalfOf?: "step" | "start";
  /** Counts what this process does, where somebody watches. */
  meters?: Meters;
  clients: Clients;
  /** Reads the secret an estate entry refers to. @throws UserError when it is not there. */
  secret(reference: SecretReference): string;
  /** Encrypts TOTP secrets at rest; unset where nobody may approve in a terminal. */
  totpKey?: Buffer;
  /** Rings the workers for a run. Never throws and never waits long: losing a ring costs a second, not a run. */
  ring(runId: string): Promise<void>;
  /** The list of steps and gates, by name; the engine knows none of them. */
  steps: ReadonlyMap<string, AnyStep | AnyGate>;
  /** Looks again at a run's claims; returns a sentence for each that no longer holds. */
  brokenClaims(runId: string): Promise<string[]>;
  /** What takes messages out: by the first word of a thread's name, as `Message` lists them. */
  senders: ReadonlyMap<string, Sender>;
};
