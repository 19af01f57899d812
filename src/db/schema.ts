import type { ColumnType, Generated, JSONColumnType } from "kysely";
import type { Place } from "../chat.ts";
import type { Outcome, Verb } from "../engine/events.ts";
import type { Plan } from "../engine/plan.ts";
import type { Json } from "../engine/step.ts";
import type { MessagePayload } from "../outbox/sender.ts";

/** A time of Muster's clock: read as a Date (milliseconds), written as a Date or left to the database. */
type Time = ColumnType<Date, Date | undefined, Date>;
type MaybeTime = ColumnType<Date | null, Date | null | undefined, Date | null>;
/** JSON that is written as text. */
type JsonOf<T> = ColumnType<T, string, string>;

export type RunState = "proposed" | "approved" | "running" | Outcome;

/** Muster's own tables, as queries see them. bigint columns read as numbers. */
export type Schema = {
  clock: { one: Generated<boolean>; anchor_at: Time; shows: Time; rate: number };
  run: {
    id: string;
    job: string;
    title: string;
    state: Generated<RunState>;
    plan: JsonOf<Plan>;
    facts: JsonOf<Json>;
    plan_hash: string;
    engine_version: number;
    requested_by: string;
    reason: string | null;
    place: JSONColumnType<Place>;
    parent: string | null;
    proposed_at: Time;
    approve_until: Date;
    epoch: Generated<number>;
    owner: string | null;
    lease_until: MaybeTime;
    next_wake_at: MaybeTime;
    signals: Generated<number>;
    ended_at: MaybeTime;
    outcome: Outcome | null;
    trace: string | null;
  };
  run_service: { service: string; run: string };
  step_event: {
    seq: Generated<number>;
    run: string;
    step: string | null;
    kind: string;
    epoch: number;
    payload: JsonOf<{ [key: string]: Json }>;
    signal: number | null;
    at: Time;
  };
  signal: {
    run: string;
    seq: number;
    key: string;
    verb: Verb;
    payload: JsonOf<{ step?: string; planHash?: string; because?: string }>;
    by: string;
    at: Time;
  };
  timeline: { seq: Generated<number>; run: string | null; at: Time; line: string };
  inbox: {
    seq: Generated<number>;
    source: string;
    delivery_key: string;
    body: JsonOf<Json>;
    received_at: Time;
    taken_until: MaybeTime;
    tries: Generated<number>;
    processed_at: MaybeTime;
  };
  outbox: {
    seq: Generated<number>;
    thread: string;
    dedupe_key: string;
    payload: JsonOf<MessagePayload>;
    state: Generated<"waiting" | "sending" | "sent" | "parked">;
    attempts: Generated<number>;
    next_at: Time;
    taken_until: MaybeTime;
    remote_ref: string | null;
    because: string | null;
    sent_at: MaybeTime;
    put_at: Time;
  };
  card: {
    run: string;
    channel: string;
    wanted_version: Generated<number>;
    sent_version: Generated<number>;
    next_at: Time;
    taken_until: MaybeTime;
    attempts: Generated<number>;
    remote_ref: string | null;
    because: string | null;
  };
  button: {
    id: string;
    run: string;
    verb: string;
    step: string | null;
    park: number | null;
    plan_hash: string;
    made_at: Time;
  };
  probe: {
    seq: Generated<number>;
    service: string;
    via: string;
    ok: boolean;
    took_ms: number;
    why: string | null;
    at: Time;
  };
  turn: { duty: string; holder: string; until: Date };
  heartbeat: { instance: string; beat_at: Date; seen_at: Time };
  replica_beat: { instance: string; service: string; beat_at: Date; seen_at: Time };
  totp: {
    person: string;
    secret: Buffer;
    last_step: Generated<number>;
    tries: Generated<number>;
    locked_until: MaybeTime;
    enrolled_at: Time;
  };
  installation: { one: Generated<boolean>; id: Generated<string> };
  set_back: {
    id: Generated<number>;
    lost_seq: number;
    lost_at: Date;
    kept_at: Date | null;
    seen_by: string;
    next_seq: number;
    found_at: Time;
  };
  unfenced: { instance: string; run: string; since: Time; refence_run: string | null; fenced_at: MaybeTime };
};
