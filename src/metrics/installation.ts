import { sql, type RawBuilder } from "kysely";
import type { Db } from "../db/connect.ts";
import { countParked } from "./parked.ts";
import type { Metrics } from "./registry.ts";

type Reading = { labels: Record<string, string>; value: number };

/** One figure that is true of the whole installation: what it is called, and the query that tells it. */
type Asked = {
  name: string;
  help: string;
  labels: readonly string[];
  /** Rows of `labels` (a JSON object of the names above) and `value`. */
  query: { execute(db: Db): Promise<{ rows: Reading[] }> };
  /** Of kinds of messages, only those that this server can send: what none can send waits for nobody. */
  ofOurKinds?: true;
};

/** Seconds since a time of Muster's clock. */
const since = (column: RawBuilder<unknown>) => sql`extract(epoch from (select muster.now()) - ${column})::float8`;

const figures: readonly Asked[] = [
  {
    name: "muster_runs",
    help: "Runs there are, by job and state; done, failed and cancelled are final.",
    labels: ["job", "state"],
    query: sql<Reading>`
      select jsonb_build_object('job', job, 'state', state) as labels, count(*)::int as value from muster.run group by job, state`,
  },
  {
    name: "muster_steps_parked",
    help: "Steps of live runs that wait for a person because trying again cannot help.",
    labels: [],
    query: { execute: async (db) => ({ rows: [{ labels: {}, value: await countParked(db) }] }) },
  },
  {
    name: "muster_runs_due",
    help: "Live runs whose time has come and that no process drives.",
    labels: [],
    query: sql<Reading>`
      select '{}'::jsonb as labels, count(*)::int as value from muster.run
       where ended_at is null and next_wake_at <= (select muster.now())
         and (owner is null or lease_until < clock_timestamp())`,
  },
  {
    name: "muster_runs_due_oldest_seconds",
    help: "How long the longest due of them has been due; 0 where there is none.",
    labels: [],
    query: sql<Reading>`
      select '{}'::jsonb as labels, coalesce(max(${since(sql`next_wake_at`)}), 0) as value from muster.run
       where ended_at is null and next_wake_at <= (select muster.now())
         and (owner is null or lease_until < clock_timestamp())`,
  },
  {
    name: "muster_outbox_waiting",
    help: "Messages that have not gone out, by kind of thread: run, chart, channel, reply, mail, statuspage.",
    labels: ["kind"],
    query: sql<Reading>`
      select jsonb_build_object('kind', split_part(thread, ':', 1)) as labels, count(*)::int as value
        from muster.outbox where state in ('waiting', 'sending') group by split_part(thread, ':', 1)`,
  },
  {
    name: "muster_outbox_oldest_seconds",
    help: "How long the oldest of them has waited, of the kinds that this server sends: without SMTP_URL none of mail.",
    labels: ["kind"],
    ofOurKinds: true,
    query: sql<Reading>`
      select jsonb_build_object('kind', split_part(thread, ':', 1)) as labels, max(${since(sql`put_at`)}) as value
        from muster.outbox where state in ('waiting', 'sending') group by split_part(thread, ':', 1)`,
  },
  {
    name: "muster_outbox_parked",
    help: "Messages that were tried and can never be sent as they are.",
    labels: [],
    // What was parked untried is too old to be told, or is to somebody without an address.
    query: sql<Reading>`
      select '{}'::jsonb as labels, count(*)::int as value from muster.outbox where state = 'parked' and attempts > 0`,
  },
  {
    name: "muster_inbox_waiting",
    help: "Commands and presses that were recorded and not yet answered.",
    labels: [],
    query: sql<Reading>`
      select '{}'::jsonb as labels, count(*)::int as value from muster.inbox where processed_at is null`,
  },
  {
    name: "muster_inbox_oldest_seconds",
    help: "How long the oldest of them has waited; 0 where there is none.",
    labels: [],
    query: sql<Reading>`
      select '{}'::jsonb as labels, coalesce(max(${since(sql`received_at`)}), 0) as value
        from muster.inbox where processed_at is null`,
  },
  {
    name: "muster_journal_set_back",
    help: "Times Muster's own database turned out to be an older copy: every open run was held.",
    labels: [],
    query: sql<Reading>`select '{}'::jsonb as labels, count(*)::int as value from muster.set_back`,
  },
  {
    name: "muster_unfenced_writers",
    help: "Old writers that were left without a fence and are looked out for: each may take writes that nobody will see.",
    labels: [],
    query: sql<Reading>`
      select '{}'::jsonb as labels, count(*)::int as value from muster.unfenced where fenced_at is null`,
  },
  {
    name: "muster_replica_lag_seconds",
    help: "Age of the newest heartbeat that a replica is known to have. It grows, too, while nobody can look.",
    labels: ["service", "instance"],
    query: sql<Reading>`
      select jsonb_build_object('service', service, 'instance', name) as labels, max(${since(sql`beat_at`)}) as value
        from (select *, regexp_replace(instance, '^.*/', '') as name from muster.replica_beat) one
       where seen_at > (select muster.now()) - interval '1 day'
       group by service, name`,
  },
  {
    name: "muster_turn_holder",
    help: "1 for the process that does a watch's duty now.",
    labels: ["duty", "holder"],
    query: sql<Reading>`
      select jsonb_build_object('duty', duty, 'holder', holder) as labels, 1 as value
        from muster.turn where duty <> 'ready' and until > clock_timestamp()`,
  },
];

/** Of the newest probe of each service, as customers reach it. */
const probes = [
  {
    name: "muster_probe_up",
    help: "1 where the newest probe of a service, by its public name, was good.",
    value: (probe: Probe) => (probe.ok ? 1 : 0),
  },
  {
    name: "muster_probe_duration_seconds",
    help: "How long that probe took, on the wall.",
    value: (probe: Probe) => probe.tookMs / 1000,
  },
  {
    name: "muster_probe_age_seconds",
    help: "How old that probe is; the prober asks every 10 seconds.",
    value: (probe: Probe) => probe.age,
  },
] as const;

type Probe = { service: string; ok: boolean; tookMs: number; age: number };

/** What a look at the figures needs to know of this server: its services, and the kinds of messages it sends. */
export type Server = { services: readonly string[]; kinds: ReadonlySet<string> };

/** Makes the figures of the whole installation: every server gives the same, so take the largest. Returns how to look. */
export function openInstallationGauges(metrics: Metrics): (db: Db, server: Server) => Promise<void> {
  const up = metrics.gauge({
    name: "muster_database_up",
    help: "1 where this process could read its database for this very answer; without, the figures of the installation are left out.",
  });
  const gauges = figures.map(({ query, ofOurKinds, ...described }) => ({
    query,
    ofOurKinds,
    gauge: metrics.gauge(described),
  }));
  const probed = probes.map(({ value, ...named }) => ({
    value,
    gauge: metrics.gauge({ ...named, labels: ["service"] }),
  }));
  const clear = () => [...gauges, ...probed].forEach(({ gauge }) => gauge.clear());
  return async (db, { services, kinds }) => {
    clear();
    try {
      for (const { query, ofOurKinds, gauge } of gauges) {
        const { rows } = await query.execute(db);
        const ours = ofOurKinds ? rows.filter(({ labels }) => kinds.has(labels["kind"] ?? "")) : rows;
        for (const { labels, value } of ours) gauge.set(labels, value);
      }
      for (const probe of await newestProbes(db, services))
        for (const { gauge, value } of probed) gauge.set({ service: probe.service }, value(probe));
      up.set({}, 1);
    } catch {
      // Whoever watches sees that it is away; half an answer would look like a whole one.
      clear();
      up.set({}, 0);
    }
  };
}

/** One step down an index for each service, however many probes there are. */
async function newestProbes(db: Db, services: readonly string[]): Promise<Probe[]> {
  const { rows } = await sql<Probe>`
    select wanted.service, newest.ok, newest.took_ms as "tookMs", ${since(sql`newest.at`)} as age
      from unnest(${services}::text[]) wanted(service)
      join lateral (select ok, took_ms, at from muster.probe
                     where probe.service = wanted.service and via = 'public' order by at desc limit 1) newest on true`.execute(
    db,
  );
  return rows;
}
