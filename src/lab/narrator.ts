import { styleText } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import type { Db } from "../db/connect.ts";
import type { Lab } from "./lab.ts";

/** Wall milliseconds between two looks at what happened. */
const lookMs = 100;
/** Lab seconds between two lines about the customers, unless something changes for them. */
const customersEverySeconds = 60;

/** Tells a lab's story as it happens: what Muster says in its timeline, and how the customers fare. */
export class Narrator {
  readonly #lab: Lab;
  readonly #db: Db;
  readonly #print: (line: string) => void;
  readonly #startedAt: number;
  #followed: { runId: string; told: number } | undefined;
  #customersToldAt = 0;
  #served: boolean | undefined;

  constructor({ lab, db, print }: { lab: Lab; db: Db; print: (line: string) => void }) {
    this.#lab = lab;
    this.#db = db;
    this.#print = print;
    this.#startedAt = lab.time.clock.now().getTime();
  }

  /** Says a line, with the lab time that has passed. */
  say(line: string, at = this.#lab.time.clock.now()): void {
    const seconds = Math.max(0, Math.floor((at.getTime() - this.#startedAt) / 1000));
    const shown = `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
    this.#print(`${styleText("dim", shown)}  ${line}`);
  }

  /** From now on tells what a run writes into its timeline. */
  follow(runId: string): void {
    this.#followed = { runId, told: 0 };
  }

  /** Tells on until something is so. @throws Error when it is not so within so many lab seconds. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, withinSeconds: number): Promise<void> {
    const limit = this.#lab.time.clock.now().getTime() + withinSeconds * 1000;
    for (;;) {
      await this.#tellNews();
      if (await isSo()) return;
      if (this.#lab.time.clock.now().getTime() > limit)
        throw new Error(`${what}: not so within ${withinSeconds} lab seconds`);
      await pause(lookMs);
    }
  }

  /** Tells on for so many lab seconds. */
  async pass(seconds: number): Promise<void> {
    const end = this.#lab.time.clock.now().getTime() + seconds * 1000;
    await this.until("time passes", () => this.#lab.time.clock.now().getTime() >= end, seconds + 60);
  }

  async #tellNews(): Promise<void> {
    if (this.#followed) {
      const { runId, told } = this.#followed;
      const { rows } = await sql<{ seq: number; at: Date; line: string }>`
        select seq, at, line from muster.timeline where run = ${runId} and seq > ${told} order by seq`.execute(
        this.#db,
      );
      for (const { seq, at, line } of rows) {
        this.#followed.told = seq;
        this.say(line, at);
      }
    }
    this.#tellCustomers();
  }

  #tellCustomers(): void {
    const buckets = this.#lab.customer?.series(20) ?? [];
    const answered = buckets.reduce((sum, bucket) => sum + bucket.answered, 0);
    const failed = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
    if (answered + failed === 0) return;
    const served = answered >= failed;
    const now = this.#lab.time.clock.now().getTime();
    if (served === this.#served && now - this.#customersToldAt < customersEverySeconds * 1000) return;
    this.#served = served;
    this.#customersToldAt = now;
    const share = Math.round((100 * answered) / (answered + failed));
    this.say(styleText(served ? "green" : "red", `customers: ${share} % of the tries of the last 20 s were answered`));
  }
}
