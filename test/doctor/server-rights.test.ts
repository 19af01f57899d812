import { expect, it } from "@jest/globals";
import { promoteGrant } from "../../src/adapters/postgres-standby.ts";
import { judgeServer } from "../../src/doctor/server-rights.ts";

const role = { canLogIn: true, mayFence: true, mayEndSessions: true };
const server = { service: "checkout", name: "db", role: "checkout-app", user: "user", shouldWrite: true, writes: true };
const todoOf = (rights: Partial<typeof role>) =>
  judgeServer(server, { takesWrites: true, hearsWriter: false, guard: true, role: { ...role, ...rights } }).map(
    (finding) => (finding.state === "ok" ? "" : finding.todo),
  );

it("what an administrator is told to type quotes names that Postgres would not take without", () => {
  expect([todoOf({ mayFence: false }), todoOf({ mayEndSessions: false }), todoOf({ canLogIn: false })].flat()).toEqual([
    'As an administrator on the writer: alter role "user" createrole; from Postgres 16 on also: grant "checkout-app" to "user" with admin option, inherit false, set false.',
    'As an administrator on the writer: grant pg_signal_backend to "user".',
    'Look with muster runs whether a run fenced it; if none did: alter role "checkout-app" login.',
  ]);
  expect(promoteGrant('odd"name')).toMatch(/ to "odd""name"$/);
  expect(promoteGrant("muster_guard")).toMatch(/ to muster_guard$/);
});
