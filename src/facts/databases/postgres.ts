import { promoteGrant } from "../../adapters/postgres-standby.ts";
import { use } from "../../engine/plan.ts";
import { unknown } from "../../engine/step.ts";
import type { Database } from "../../estate.ts";
import { promoteStandby } from "../../steps/promote-standby.ts";
import { seen, whyUnseen } from "../fact.ts";
import type { FactsWithDatabase } from "../failover.ts";
import type { ServerFacts } from "../lag.ts";
import type { Side } from "../targets.ts";
import type { DatabaseDriver, DatabaseServer } from "./driver.ts";

type Settings = Extract<Database, { driver: "postgres" }>;

/** Promotes a standby by its own pg_promote(). Nothing but that server is asked, before and during it. */
export const postgres: DatabaseDriver<Settings> = {
  name: "postgres",
  selfManaged: true,

  sides: ({ driver, writer, replica }) => [sideOf(driver, writer), sideOf(driver, replica)],

  manager: () => "the estate file",
  find: (_ctx, side) =>
    Promise.resolve(serverOf(side) ?? unknown(`the estate file gives no address of ${side.instance}`)),
  remember: () => Promise.resolve(),
  recall: (_ctx, side) => Promise.resolve(serverOf(side)),

  follows({ to }) {
    const server = seen(to.server);
    return server && !server.takesWrites;
  },

  replica(facts) {
    const name = nameOf(facts);
    const server = seen(facts.to.server);
    if (!server) return { value: whyUnseen(facts.to.server) ?? `${name} was not seen`, tone: "bad" };
    if (server.takesWrites) return { value: `${name}: not a replica, it takes writes`, tone: "bad" };
    const parts = [
      `${name}: in recovery`,
      server.hearsWriter ? "hears its writer" : "hears nothing of its writer",
      server.standby?.replayPaused ? "its replay is paused" : "replays",
    ];
    return { value: parts.join(", "), tone: server.standby?.replayPaused ? "warn" : "good" };
  },

  promotion: (facts) => ({ value: `calls pg_promote() on ${nameOf(facts)}; depends on nothing but that server` }),

  provenByUse: () => [],

  blockers({ to, from, facts }, promoted) {
    const server = seen(facts.to.server);
    // What answers and lets nobody look is told with the old side's look.
    if (!server) {
      const isSilent = "silent" in facts.to.server;
      return isSilent ? [`the database ${to.instance} cannot be seen: ${whyUnseen(facts.to.server)}`] : [];
    }
    if (promoted) return [];
    if (server.takesWrites) {
      return [
        `${to.instance} takes writes of its own, and Muster did not promote it: it is not a replica of ${from.instance}, and its data stops where it was last one`,
      ];
    }
    return [...strangerBlockers({ to, from, facts }), ...grantBlockers(to, server)];
  },

  warnings({ to, facts }) {
    const { replayPaused, waitsFor } = seen(facts.to.server)?.standby ?? {};
    return [
      ...(replayPaused
        ? [
            `The replay of ${to.instance} is paused: it keeps what it receives and does not apply it. A graceful move waits until somebody calls pg_wal_replay_resume() there.`,
          ]
        : []),
      ...(waitsFor
        ? [
            `${to.instance} has synchronous_standby_names = '${waitsFor}': once it writes, every commit waits until such a standby follows it.`,
          ]
        : []),
    ];
  },

  claim({ to }) {
    const inRecovery = seen(to.server)?.takesWrites === false;
    return { follows: inRecovery, value: { inRecovery } };
  },

  contradiction(value, { to }) {
    const { inRecovery } = value as { inRecovery: boolean };
    const server = seen(to.server);
    if (!server || server.takesWrites === !inRecovery) return undefined;
    return server.takesWrites ? "it takes writes now" : "it is in recovery now";
  },

  promote: (_facts, input, { after, reads }) => use(promoteStandby, input.service, input, { after: [after], reads }),
};

/** Two servers of one name differ by their ports. */
function sideOf(driver: "postgres", { region, host, port, appRole }: Settings["writer"]): Side {
  const instance = port === 5432 ? host : `${host}:${port}`;
  return { driver, region, instance, endpoint: { host, port }, appRole };
}

const serverOf = ({ instance: id, region, endpoint }: Side): DatabaseServer | undefined =>
  endpoint && { id, region, endpoint };

const nameOf = ({ to }: FactsWithDatabase): string => seen(to.instance)?.id ?? "the standby";

type Pair = Parameters<DatabaseDriver["blockers"]>[0];

/** Every copy of a server has its system identifier: another one is no copy of it. */
function strangerBlockers({ to, from, facts }: Pair): string[] {
  const [mine, theirs] = [seen(facts.to.server)?.standby?.systemId, seen(facts.from.server)?.standby?.systemId];
  if (mine === undefined || theirs === undefined || mine === theirs) return [];
  return [`${to.instance} follows another server than ${from.instance}: their system identifiers differ`];
}

function grantBlockers({ instance }: Side, { standby }: ServerFacts): string[] {
  if (!standby || standby.mayPromote) return [];
  return [
    `Muster's role may not call pg_promote() at ${instance}. A standby takes no grants, and receives its writer's: say there, in the application's database, "${promoteGrant(standby.role)}" (Postgres 12 or later)`,
  ];
}
