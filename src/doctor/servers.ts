import { asApp, asGuard, sqlState, withPostgres } from "../adapters/postgres.ts";
import { listHidden } from "../adapters/postgres-counts.ts";
import { quoteName } from "../adapters/postgres-names.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { UserError } from "../errors.ts";
import { explainAs } from "../facts/explain.ts";
import { seen, whyUnseen, type Fact } from "../facts/fact.ts";
import { lookAtServer, type ServerFacts } from "../facts/lag.ts";
import { forEach } from "./at-once.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, warning, type Finding } from "./finding.ts";
import type { Side } from "../facts/targets.ts";
import { pairsOf, spelt, type Pair } from "./pairs.ts";
import { judgeServer } from "./server-rights.ts";
import { judgeStandbys, type Standing } from "./standbys.ts";

/** Whether Muster can log in to each database of the estate, and finds there what a move needs. */
export const servers: Check = {
  name: "the databases themselves",
  async look(ctx) {
    if (!ctx.config.GUARD_PASSWORD) {
      return [
        broken("the databases themselves", {
          happened: "GUARD_PASSWORD is not set.",
          means: "Muster cannot log in to any database: no writer can be fenced, and no move can be approved.",
          todo: `Set it to the password of the role ${ctx.config.GUARD_USER}; docs/install.md says how to make that role.`,
        }),
      ];
    }
    return (await forEach(pairsOf(ctx.estate), 8, (pair) => lookAtPair(ctx, pair))).flat();
  },
};

async function lookAtPair(ctx: DoctorContext, pair: Pair): Promise<Finding[]> {
  const subject = `the application's role of ${pair.service}`;
  const secret = readSecret(ctx, pair);
  if ("url" in secret) {
    const looks = await Promise.all(pair.sides.map((side) => lookAtSide(ctx, pair, side, secret.url)));
    const [one, other] = looks.flatMap(({ standing }) => (standing ? [standing] : []));
    const findings = looks.flatMap((look) => look.findings);
    return one && other ? [...findings, ...judgeStandbys(pair.service, [one, other])] : findings;
  }
  return [
    broken(subject, {
      happened: secret.fault,
      means: `Neither database of ${pair.service} can be looked at, and no move of it can be approved.`,
      todo: "Give its writer and its replica appRole, and this process the application's postgres:// URL that it refers to.",
    }),
  ];
}

function readSecret(ctx: DoctorContext, { service, sides }: Pair): { url: string } | { fault: string } {
  const reference = sides.map(({ appRole }) => appRole).find((role) => role !== undefined);
  if (!reference) return { fault: `The estate names no appRole for the databases of ${service}.` };
  try {
    const url = ctx.secret(reference);
    return URL.canParse(url) ? { url } : { fault: "The secret of its appRole is no postgres:// URL." };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { fault: error.explanation.happened };
  }
}

type Look = { findings: Finding[]; standing?: Standing };

async function lookAtSide(ctx: DoctorContext, { service, selfManaged }: Pair, side: Side, url: string): Promise<Look> {
  const instance = seen(await ctx.instance(side));
  // Where RDS does not show the instance, the look at the instances says so.
  if (!instance?.endpoint) return { findings: [] };
  const { user: role, database } = asApp({ host: "", port: 0 }, url);
  const { aurora, readEndpoint } = instance;
  // A secondary of Aurora answers its readers only.
  const endpoint = (aurora?.isWriter === false ? readEndpoint : undefined) ?? instance.endpoint;
  const place = { instance: side.instance, database, ...endpoint, ...(aurora ? { aurora: side.region } : {}) };
  const fact = await lookAtServer(ctx, { ...place, role, selfManaged });
  const server = seen(fact);
  if (!server) return { findings: [unseen(ctx, service, side, fact)] };
  const name = spelt(side);
  const { standby, takesWrites: writes } = server;
  // Where no RDS tells a role, the server's own word is all there is.
  const shouldWrite = selfManaged ? writes : (aurora?.isWriter ?? instance.sourceId === undefined);
  const rights = judgeServer({ service, name, role, user: ctx.config.GUARD_USER, shouldWrite, writes }, server);
  const hidden = writes ? await lookForHidden(ctx, service, name, place) : [];
  // A fenced role cannot log in, and that is as it should be.
  const tried = server.role?.canLogIn ? await tryApplication(ctx, service, { ...place, url }) : [];
  const standing = standby && { name, facts: { ...server, standby } };
  return { findings: [...rights, ...hidden, ...tried], ...(standing ? { standing } : {}) };
}

/** Replicas have their writer's tables and grants. */
async function lookForHidden(
  ctx: DoctorContext,
  service: string,
  name: string,
  place: Parameters<typeof asGuard>[1],
): Promise<Finding[]> {
  const { pg } = ctx.clients;
  // A server that falls silent between two looks is no news about its tables.
  const tables = await withPostgres(ctx, pg, asGuard(pg, place), "ListHidden", listHidden).catch(() => []);
  if (tables.length === 0) return [];
  const [named, user] = [tables.slice(0, 5).join(", "), quoteName(ctx.config.GUARD_USER)];
  return [
    warning(`the database ${name}`, {
      happened: `Muster may not see every row of ${tables.length > 5 ? `${named} and others` : named} in ${name}.`,
      means: `A move of ${service} does not compare these tables, and their rows are not counted on an old writer that comes back.`,
      todo: `As an administrator on the writer: grant pg_read_all_data to ${user}; before Postgres 14, select on every table and usage of its schema. Rows that a policy hides also take: alter role ${user} bypassrls.`,
    }),
  ];
}

function unseen(ctx: DoctorContext, service: string, side: Side, fact: Fact<ServerFacts>): Finding {
  const { GUARD_USER: user, GUARD_SSL: ssl } = ctx.config;
  return broken(`the database ${spelt(side)}`, {
    happened: `${whyUnseen(fact) ?? "It was not looked at"}.`,
    means: `Muster cannot log in there as ${user}: what ${service} would lose is not known, and its writer cannot be fenced.`,
    todo: `See that the server can be reached from here, that ${user} has the password of GUARD_PASSWORD, and that its certificate suits GUARD_SSL=${ssl}.`,
  });
}

async function tryApplication(
  ctx: DoctorContext,
  service: string,
  { url, instance, ...place }: { url: string; instance: string; host: string; port: number },
): Promise<Finding[]> {
  const target = asApp(place, url);
  try {
    await withPostgres(ctx, ctx.clients.pg, target, "LogInAsApplication", (sql) => sql.query("select 1"));
    return [];
  } catch (error) {
    const subject = `the application's role of ${service}`;
    const happened = `${explainAs(instance)(error)}.`;
    const means = `Muster could not log in there as ${target.user}, so a fence cannot be proven by a write that is refused.`;
    if (mayPass(error))
      return [
        warning(subject, { happened, means, todo: "Look again. If it stays so, see why the server lets nobody in." }),
      ];
    return [
      broken(subject, {
        happened,
        means: `${means} No graceful move of ${service} can be approved; an ungraceful one stops at its check.`,
        todo: "Correct the URL that appRole refers to; its password must be the application's. Or let Muster in there as the application, in pg_hba.conf.",
      }),
    ];
  }
}

/** A server that fell silent, or has no connection left just now, has not turned the application's role away. */
const mayPass = (error: unknown): boolean =>
  whyUnreachable(error) !== undefined || sqlState(error) === tooManyConnections;

const tooManyConnections = "53300";
