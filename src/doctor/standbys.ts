import { promoteGrant, type StandbyState } from "../adapters/postgres-standby.ts";
import type { ServerFacts } from "../facts/lag.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

/** A server that no control plane knows, and what it said. */
export type Standing = { name: string; facts: ServerFacts & { standby: StandbyState } };

/**
 * Judges a pair that nobody but its servers tells of: one of them writes, the other was copied from it, and either can be
 * promoted when it stands by. Pure.
 */
export function judgeStandbys(service: string, [one, other]: readonly [Standing, Standing]): Finding[] {
  const subject = `the database pair of ${service}`;
  const findings = [
    ...judgeRoles(subject, service, [one, other]),
    ...[one, other].flatMap((server) => judgePromotion(subject, service, server)),
  ];
  if (findings.length > 0) return findings;
  const standby = one.facts.takesWrites ? other : one;
  return [ok(subject, `${standby.name} stands by, and lets Muster promote it`)];
}

function judgeRoles(subject: string, service: string, [one, other]: readonly [Standing, Standing]): Finding[] {
  const both = `${one.name} and ${other.name}`;
  if (one.facts.standby.systemId !== other.facts.standby.systemId) {
    return [
      broken(subject, {
        happened: `Neither of ${both} is a copy of the other: their system identifiers differ.`,
        means: `${service} is not protected: a move would go to a database that does not have its data.`,
        todo: "Make a standby of the one that is written (pg_basebackup), and name it in the estate file.",
      }),
    ];
  }
  if (one.facts.takesWrites !== other.facts.takesWrites) return [];
  const write = one.facts.takesWrites;
  return [
    broken(subject, {
      happened: `${write ? "Both" : "Neither"} of ${both} ${write ? "take" : "takes"} writes.`,
      means: write
        ? `${service} is not protected, and its data may be in two places.`
        : `${service} cannot write, and nobody can tell which of them has the newest data.`,
      todo: write
        ? "Find out which is the writer, and make a standby of it anew (pg_rewind or pg_basebackup) out of the other."
        : "Find out which was the writer, and why it is in recovery.",
    }),
  ];
}

function judgePromotion(subject: string, service: string, { name, facts }: Standing): Finding[] {
  const { role, mayPromote, replayPaused, waitsFor } = facts.standby;
  return [
    ...(mayPromote
      ? []
      : [
          broken(subject, {
            happened: `${role} may not call pg_promote() at ${name}.`,
            means: `${service} cannot be moved to ${name}.`,
            todo: `On the writer, in the application's database, as an administrator: ${promoteGrant(role)}. Standbys receive it; Postgres 12 or later has it.`,
          }),
        ]),
    ...(replayPaused
      ? [
          warning(subject, {
            happened: `The replay of ${name} is paused.`,
            means: `A graceful move of ${service} waits until it goes on.`,
            todo: "Call pg_wal_replay_resume() there.",
          }),
        ]
      : []),
    ...(waitsFor && !facts.takesWrites
      ? [
          warning(subject, {
            happened: `${name} has synchronous_standby_names = '${waitsFor}'.`,
            means: "Once it writes, every commit waits until such a standby follows it.",
            todo: "Empty the setting there, unless such a standby is at hand.",
          }),
        ]
      : []),
  ];
}
