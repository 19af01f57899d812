import { quoteName } from "../adapters/postgres-names.ts";
import { fenceGrant } from "../adapters/postgres-rights.ts";
import { isTooLate } from "../facts/apply-delay.ts";
import type { ServerFacts } from "../facts/lag.ts";
import { spell } from "../spelling.ts";
import { waitsSeconds } from "../steps/catch-up.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

export type Server = {
  service: string;
  /** "checkout-db in us-east-1". */
  name: string;
  /** The application's. */
  role: string;
  /** Muster's own role there. */
  user: string;
  /** As RDS tells it, where it knows it, and as the server does. */
  shouldWrite: boolean;
  writes: boolean;
};

/** Says what of a server Muster is logged in to would stand in the way of a move. */
export function judgeServer({ service, name, role, user, shouldWrite, writes }: Server, facts: ServerFacts): Finding[] {
  const subject = `the database ${name}`;
  const findings: Finding[] = [];
  if (writes !== shouldWrite) {
    findings.push(
      broken(subject, {
        happened: `RDS calls ${name} ${shouldWrite ? "a writer" : "a replica"}, and the server says that it is ${writes ? "a writer" : "a replica"}.`,
        means: `Which database of ${service} is written is not certain: no move can be approved.`,
        todo: "Look at both instances; if one was promoted a moment ago, type muster doctor again.",
      }),
    );
  }
  if (!writes && !facts.hearsWriter) {
    findings.push(
      broken(subject, {
        happened: `${name} hears nothing of its writer.`,
        means: `A move of ${service} loses what is written in the meantime.`,
        todo: "Look at the network between the regions, and at its replication.",
      }),
    );
  }
  if (facts.applyDelaySeconds !== undefined) {
    const late = spell(Math.ceil(facts.applyDelaySeconds));
    findings.push(
      (isTooLate(facts.applyDelaySeconds) ? broken : warning)(subject, {
        happened: `${name} applies what it receives ${late} late, on purpose (recovery_min_apply_delay).`,
        means: `A graceful move of ${service} stops its writes for that long, and waits ${spell(waitsSeconds.graceful)} at most.`,
        todo: "Set that to 0 where services move to; a copy that is late on purpose should be another one.",
      }),
    );
  }
  if (!facts.guard) {
    findings.push(
      warning(subject, {
        happened: `${name} has no schema muster_guard.`,
        means: `What a move of ${service} would lose cannot be told in seconds, and a worker that was frozen is not turned away.`,
        todo: "Run src/adapters/guard.sql on the writer, as an administrator; replicas receive it.",
      }),
    );
  }
  if (facts.guardIsOlder) {
    findings.push(
      warning(subject, {
        happened: `The schema muster_guard of ${name} is an older Muster's: it has no table journal.`,
        means: "A Muster that starts on an older copy of its own database would not learn it there.",
        todo: "Run src/adapters/guard.sql on the writer again, as an administrator; replicas receive it.",
      }),
    );
  }
  findings.push(...judgeRole(subject, { service, name, role, user, writes }, facts.role));
  if (findings.length > 0) return findings;
  const is = writes ? "takes writes" : "follows its writer";
  return [ok(subject, `${is}, has the schema muster_guard, lets Muster fence ${role}`)];
}

function judgeRole(
  subject: string,
  { service, name, role, user, writes }: Omit<Server, "shouldWrite">,
  rights: ServerFacts["role"],
): Finding[] {
  if (!rights) {
    return [
      broken(subject, {
        happened: `${name} has no role ${role}.`,
        means: `The application of ${service} could not write there, and no fence can be tried.`,
        todo: "Correct the URL that appRole refers to, or make the role on the writer.",
      }),
    ];
  }
  if (!rights.mayFence || !rights.mayEndSessions) {
    const [app, own] = [quoteName(role), quoteName(user)];
    const [may, todo] = rights.mayFence
      ? ["end the sessions of", `grant pg_signal_backend to ${own}`]
      : ["take the login of", `alter role ${own} createrole; from Postgres 16 on also: ${fenceGrant(app, own)}`];
    return [
      broken(subject, {
        happened: `Muster may not ${may} the role ${role} in ${name}.`,
        means: `The old writer of ${service} cannot be fenced, and no move can be approved.`,
        todo: `As an administrator on the writer: ${todo}.`,
      }),
    ];
  }
  if (writes && !rights.canLogIn) {
    return [
      warning(subject, {
        happened: `The role ${role} may not log in to ${name}, which takes writes.`,
        means: `${service} cannot write: it is fenced, or somebody locked it.`,
        todo: `Look with muster runs whether a run fenced it; if none did: alter role ${quoteName(role)} login.`,
      }),
    ];
  }
  return [];
}
