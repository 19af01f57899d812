import { fenceGrant } from "../../src/adapters/postgres-rights.ts";
import { seen } from "../../src/facts/fact.ts";
import type { FactsWithDatabase } from "../../src/facts/failover.ts";
import type { ServerFacts } from "../../src/facts/lag.ts";
import type { DatabaseMove } from "../databases.ts";

const mend = `Run src/adapters/guard.sql in it as an administrator, and from Postgres 16 on "${fenceGrant("<role>", "<Muster's role>")}"`;

const letIn = "Correct the URL that appRole refers to, or let Muster in there";

const notLetIn = (facts: FactsWithDatabase, instance: string, { applicationShut }: ServerFacts): string =>
  `Muster could not log in as ${roleName(facts)} at ${instance}: ${applicationShut}.`;

/** Says why writes could not be stopped at the old writer, or not be opened at the new one, as far as both were seen. Pure. */
export function roleBlockers(database: DatabaseMove): string[] {
  const { facts, mode } = database;
  return sidesSeen(database).flatMap(({ instance, server }) => {
    const { role } = server;
    if (role === undefined) return [];
    const app = roleName(facts);
    if (role === null)
      return [`${instance} has no role ${app}, which appRole names. Nothing was changed. Correct its secret`];
    if (!role.mayFence && !needsNoOpening(facts))
      return [
        `Muster's role may not take and give the login of ${app} at ${instance}. Writes could not be stopped there, or not be opened again. ${mend}`,
      ];
    if (!role.mayEndSessions && role.mayFence && !needsNoOpening(facts))
      return [
        `Muster's role may not end the sessions of ${app} at ${instance}. A fence would hold nobody who is logged in. ${mend}`,
      ];
    if (server.applicationShut !== undefined && mode === "graceful")
      return [
        `${notLetIn(facts, instance, server)} No write could be tried there, and the move would park with all writes stopped. ${letIn}`,
      ];
    return [];
  });
}

/** Warns of what is weaker where Muster's schema or rights are missing and the move can be made all the same. Pure. */
export function roleWarnings(database: DatabaseMove): string[] {
  const { facts, mode } = database;
  const sides = sidesSeen(database);
  const bare = sides.find(({ server }) => server.guard === false);
  // Where it would stop all writes first, it blocks.
  const shut = mode === "graceful" ? [] : sides.filter(({ server }) => server.applicationShut !== undefined);
  const powerless = sides.find(({ server }) => server.role && !(server.role.mayFence && server.role.mayEndSessions));
  return [
    ...(powerless && needsNoOpening(facts)
      ? [
          `Muster's role may not take the login of ${roleName(facts)} at ${powerless.instance}: an old writer that comes back could not be fenced. A replica takes no grants; make them as soon as it is the writer.`,
        ]
      : []),
    ...shut.map(
      ({ instance, server }) =>
        `${notLetIn(facts, instance, server)} Whether the application can write there could not be tried, and the move would park at its check. ${letIn}.`,
    ),
    ...(bare
      ? [
          `${bare.instance} has no schema muster_guard: how many writes would be lost is unknown, and nothing there turns away a worker that was frozen. src/adapters/guard.sql makes it.`,
        ]
      : []),
  ];
}

/**
 * The old writer was not seen, and the application may log in at the new one as it is: nothing has to be altered there, and
 * nothing could be mended before it takes writes.
 */
function needsNoOpening({ from, to }: FactsWithDatabase): boolean {
  return seen(from.server) === undefined && seen(to.server)?.role?.canLogIn === true;
}

function sidesSeen({ from, to, facts }: DatabaseMove): { instance: string; server: ServerFacts }[] {
  return [
    { instance: from.instance, server: seen(facts.from.server) },
    { instance: to.instance, server: seen(facts.to.server) },
  ].flatMap(({ instance, server }) => (server ? [{ instance, server }] : []));
}

const roleName = ({ application }: FactsWithDatabase): string => `"${seen(application)?.role ?? "of the application"}"`;
