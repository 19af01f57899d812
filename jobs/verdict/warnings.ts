import { delayWarnings } from "../../src/facts/apply-delay.ts";
import { databaseDriver } from "../../src/facts/databases/index.ts";
import { seen, whyUnseen } from "../../src/facts/fact.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { longestGrace } from "../../src/facts/pods.ts";
import { secondsBetween } from "../../src/facts/moment.ts";
import { foreseenLoss, promotedAlready } from "../../src/facts/moves.ts";
import type { Targets } from "../../src/facts/targets.ts";
import type { DatabaseMove } from "../databases.ts";
import { spell } from "../../src/spelling.ts";
import { driverOf } from "../../src/facts/traffic/index.ts";
import { gitOpsWarnings } from "../gitops.ts";
import { roleWarnings } from "./fence-rights.ts";

/** What people must read before they approve, most frightening first; sentences. Pure. */
export function warningsOf(targets: Targets, facts: FailoverFacts, database: DatabaseMove | undefined): string[] {
  return [
    ...(database ? [...served(database), ...splitBrain(database), ...loss(database), ...roleWarnings(database)] : []),
    ...traffic(facts),
    ...failingCalls(facts),
    ...(database ? databaseDriver(database.facts.databaseDriver).warnings(database) : []),
    ...(database ? delayWarnings(database, database.mode) : []),
    ...(database ? slowEnds(database) : []),
    ...frontDoor(targets, facts),
    ...(database ? sight(database) : []),
    ...lesserRights(facts),
    ...autoscalers(facts),
    ...(database?.mode === "ungraceful" ? woken(facts) : []),
    ...gitOpsWarnings(facts),
  ];
}

/** A probe that is older than this says nothing about now, in seconds: the prober asks every 10. */
const freshSeconds = 60;

/** Customers who are served are served by the old side: it lives, whatever Muster sees of it. */
function served({ facts, mode }: DatabaseMove): string[] {
  const { probes, dns, fromRegion, lookedAt } = facts;
  const last = seen(probes);
  const shares = driverOf(dns).shares(dns);
  const leadsThere = shares === undefined || (shares[fromRegion] ?? 0) > 0;
  if (mode === "graceful" || !last?.ok || !leadsThere || secondsBetween(last.at, lookedAt) > freshSeconds) return [];
  return [
    `Customers are served at this moment (probe at ${last.at.slice(11, 19)} UTC), so ${fromRegion} lives, and takes writes that this move would lose. Look again before anybody approves.`,
  ];
}

function splitBrain({ from, mode }: DatabaseMove): string[] {
  if (mode === "graceful") return [];
  return [
    `Nobody can promise that ${from.instance} takes no writes any more: if it lives on unseen, there will be two writers. Approving accepts that; it is fenced as soon as it answers.`,
  ];
}

function loss({ facts, mode }: DatabaseMove): string[] {
  // What an earlier run lost it asked about itself.
  if (mode === "graceful" || promotedAlready(facts)) return [];
  const { rpoSeconds } = facts.objectives;
  const seconds = foreseenLoss(facts, mode);
  if (seconds === undefined)
    return [
      `How many writes would be lost is unknown: nothing tells when the last one was made, or which one arrived. The objective is ${rpoSeconds} seconds.`,
    ];
  if (seconds <= rpoSeconds) return [];
  return [
    `Up to ${seconds} seconds of writes would be lost; the objective is ${rpoSeconds}. The approvers are asked again before that, unless that rule is broken.`,
  ];
}

/** What sends customers to the new region, and where that lets one down. */
function traffic(facts: FailoverFacts): string[] {
  const driver = driverOf(facts.dns);
  return [...driver.traps(facts), driver.dependence(facts).warning];
}

/** How many are named: with a region gone, many are silent at once. */
const namedAtMost = 5;

/** What has failed for a while may fail the run as well, though each of its steps tries by itself. */
function failingCalls({ failingCalls: failing = [] }: FailoverFacts): string[] {
  if (failing.length === 0) return [];
  const named = failing.slice(0, namedAtMost).map(({ target, since }) => `${target} since ${since.slice(11, 16)} UTC`);
  const more = failing.length > namedAtMost ? [`${failing.length - namedAtMost} more`] : [];
  return [
    `Muster's calls have been failing: ${[...named, ...more].join(", ")}. The run tries each of them all the same.`,
  ];
}

function frontDoor({ name, toRegion }: Targets, { edge }: FailoverFacts): string[] {
  if (seen(edge)?.certificateCovers !== false) return [];
  return [
    `The certificate of ${name}'s front door in ${toRegion} does not cover its public name; browsers would refuse it.`,
  ];
}

function sight({ to, facts }: DatabaseMove): string[] {
  if (seen(facts.to.server) !== undefined) return [];
  return [`Muster cannot look into ${to.instance} itself; how far it is behind is not known.`];
}

function lesserRights({ rights }: FailoverFacts): string[] {
  return rights
    .filter(({ allowed, needed }) => !needed && seen(allowed)?.yes === false)
    .map(({ deed, cluster }) => `Muster may not ${deed} in the cluster ${cluster}.`);
}

/** An autoscaler that nobody could look for would fight with the move; one that may go to 0 may also wake what was stopped. */
function autoscalers({ pods, fromRegion }: FailoverFacts): string[] {
  return pods.flatMap(({ side, deployment: { namespace, name, region }, autoscaler }) => {
    const why = autoscaler && whyUnseen(autoscaler);
    const what = `${namespace}/${name} in ${region}`;
    if (side === "to")
      return why === undefined
        ? []
        : [`Whether an autoscaler scales ${what} is not known: ${why}. One that does would fight with the move.`];
    const owner = autoscaler && seen(autoscaler)?.owner;
    if (!owner || owner.min > 0 || region !== fromRegion) return [];
    return [`The autoscaler ${owner.name} of ${what} may go to 0, and so may start pods there that the move stopped.`];
  });
}

/** From how many seconds on people hear how long pods may take to end. */
const longGraceSeconds = 60;

/** A graceful move waits until the last request is through. */
function slowEnds({ facts, mode }: DatabaseMove): string[] {
  const graceSeconds = longestGrace(facts, "from");
  if (mode !== "graceful" || graceSeconds <= longGraceSeconds) return [];
  return [
    `Pods in ${facts.fromRegion} may take ${spell(graceSeconds)} to end (terminationGracePeriodSeconds): in this move nobody is served for that long at most, before its database is moved.`,
  ];
}

/** Where nobody can be waited for, a person hears of it; writes are fenced in the database. */
function woken({ pods }: FailoverFacts): string[] {
  return pods.flatMap(({ side, deployment: { namespace, name, region }, autoscaler }) => {
    const owner = autoscaler && seen(autoscaler)?.owner;
    if (side === "to" || owner?.scaledObject === undefined) return [];
    return [
      `KEDA may start pods of ${namespace}/${name} in ${region} again that the move stops, until its ScaledObject ${owner.scaledObject} is paused (autoscaling.keda.sh/paused=true).`,
    ];
  });
}
