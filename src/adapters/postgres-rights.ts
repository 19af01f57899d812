import type { Sql } from "./postgres.ts";

/** What Muster's own role may do about the role of an application, as the server would judge it. */
export type RoleRights = {
  /** The application's role may log in. */
  canLogIn: boolean;
  /** Muster may take and give that right: the fence. */
  mayFence: boolean;
  /** Muster may end its sessions, without which a fence would hold nobody who is in already. */
  mayEndSessions: boolean;
};

/** What an administrator types from Postgres 16 on, so that Muster may fence a role: the right to alter it, and none to act as it. Names as SQL wants them. */
export const fenceGrant = (role: string, to: string): string =>
  `grant ${role} to ${to} with admin option, inherit false, set false`;

/**
 * Reads what Muster may do about a role, without trying; undefined where the server has none of that name. Until Postgres
 * 15 CREATEROLE is enough, from 16 on it takes the admin option on the role too; a superuser is for superusers only.
 */
export async function getRoleRights(sql: Sql, role: string): Promise<RoleRights | undefined> {
  const [row] = await sql.query<RoleRights>(
    `select app.rolcanlogin as "canLogIn",
            me.rolsuper or (me.rolcreaterole and not app.rolsuper
              and case when current_setting('server_version_num')::int < 160000 then not app.rolreplication
                       else pg_has_role(me.oid, app.oid, 'member with admin option') end) as "mayFence",
            me.rolsuper or (not app.rolsuper
              and (pg_has_role(me.oid, 'pg_signal_backend', 'usage') or pg_has_role(me.oid, app.oid, 'usage')))
              as "mayEndSessions"
       from pg_roles app, pg_roles me
      where app.rolname = $1 and me.rolname = current_user`,
    [role],
  );
  return row;
}
