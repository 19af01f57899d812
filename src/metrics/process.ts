import { breakerStates, type Breakers } from "../breaker.ts";
import type { Outcome } from "../engine/events.ts";
import type { HostClock } from "../host-clock.ts";
import { leaseEvents, slackRefusals, type Meters } from "../meters.ts";
import type { Metrics } from "./registry.ts";

/** Upper bounds in seconds: calls are given up after 5, or 20 for a mail. */
const callBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];
/** Steps and runs take seconds to an hour. */
const workBuckets = [1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];

/** Makes what a process counts by itself; servers' figures are to be added up. `jobs` are the kinds of runs that may end. */
export function openMeters(metrics: Metrics, jobs: readonly string[]): Meters {
  const calls = metrics.histogram({
    name: "muster_call_duration_seconds",
    help: "Calls that leave the process, by whom they ask. ok: answered. refused: answered with an error. trouble: no answer, or 5xx. given-up: the caller broke off. not-tried: kept back by an open circuit breaker.",
    labels: ["target", "outcome"],
    buckets: callBuckets,
  });
  const steps = metrics.histogram({
    name: "muster_step_duration_seconds",
    help: "Steps that came to an end here, from their first look, on Muster's clock. parked: a person is needed; the step may still end otherwise.",
    labels: ["step", "outcome"],
    buckets: workBuckets,
  });
  const runs = metrics.histogram({
    name: "muster_run_duration_seconds",
    help: "Runs that ended here, from their start, on Muster's clock; 0 where they never started.",
    labels: ["job", "outcome"],
    buckets: workBuckets,
  });
  const leases = metrics.counter({
    name: "muster_leases_total",
    help: "Leases of runs. taken: by this process, all of them. taken-over: of these, from one that never gave it back. handed-over: given up when stopping or failing. lost: to another process, or to time.",
    labels: ["event"],
  });
  const refusals = metrics.counter({
    name: "muster_slack_requests_refused_total",
    help: "Requests to Slack's path that were turned away. sender: the signature or the time was not Slack's. workspace: it was another workspace's.",
    labels: ["reason"],
  });
  // From 0 on: Prometheus sees no increase in a first value of 1.
  for (const event of leaseEvents) leases.inc({ event }, 0);
  for (const reason of slackRefusals) refusals.inc({ reason }, 0);
  for (const job of jobs) for (const outcome of outcomes) runs.zero({ job, outcome });
  return {
    call: (target, outcome, seconds) => calls.observe({ target, outcome }, seconds),
    step: (step, outcome, seconds) => steps.observe({ step, outcome }, seconds),
    run: (job, outcome, seconds) => runs.observe({ job, outcome }, seconds),
    lease: (event) => leases.inc({ event }),
    slackRefused: (reason) => refusals.inc({ reason }),
  };
}

const outcomes: readonly Outcome[] = ["done", "failed", "cancelled"];

export type ProcessSights = {
  version: string;
  breakers: Pick<Breakers, "states"> | undefined;
  hostClock: Pick<HostClock, "aheadSeconds"> | undefined;
  /** How many connections Slack holds with this process; undefined where it holds none, as over HTTP. */
  slackConnections: () => number | undefined;
};

/** Makes what is looked up in the process when it is asked. Returns how to look. */
export function openProcessGauges(metrics: Metrics): (sights: ProcessSights) => void {
  const build = metrics.gauge({
    name: "muster_build_info",
    help: "Always 1; the labels say which Muster runs on which Node.",
    labels: ["version", "node"],
  });
  const breakers = metrics.gauge({
    name: "muster_breaker_state",
    help: "1 for the state a target's circuit breaker is in, 0 for the others.",
    labels: ["target", "state"],
  });
  const slack = metrics.gauge({
    name: "muster_slack_connections",
    help: "Connections that Slack holds with this process; 0 means that nobody can type or press through it. Left out without Slack, and where Slack calls over HTTP.",
  });
  const clock = metrics.gauge({
    name: "muster_host_clock_ahead_seconds",
    help: "How far this host's clock is ahead of that of Muster's database. From 1 on it is worth a look; from 5 on this process begins nothing.",
  });
  return ({ version, breakers: known, hostClock, slackConnections }) => {
    clock.set({}, hostClock?.aheadSeconds ?? 0);
    build.set({ version, node: process.version }, 1);
    const connections = slackConnections();
    if (connections !== undefined) slack.set({}, connections);
    for (const { target, state } of known?.states() ?? [])
      for (const each of breakerStates) breakers.set({ target, state: each }, each === state ? 1 : 0);
  };
}
