import type { Lab } from "../../src/lab/lab.ts";

/** Reads every row of every table in Muster's database, bytes as they are and as text. */
export async function everyRow(lab: Lab): Promise<string> {
  const tables = await lab.query<{ name: string }>(`
    select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`);
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await lab.query<{ row: string }>(`select one::text as row from ${name} one`);
    texts.push(`${name}\n${rows.map(({ row }) => row).join("\n")}`);
  }
  return texts.join("\n");
}

/** Reads all that stands in Slack: messages, threads, cards, and what only one person was shown. */
export function everyMessage({ slack }: Lab): string {
  const { workspace } = slack;
  const messages = [...workspace.channels.keys()].flatMap((channel) =>
    workspace.messages(channel).flatMap((message) => [message, ...workspace.thread(channel, message.ts)]),
  );
  return JSON.stringify([messages, workspace.ephemerals]);
}

/** Asks a server for all it answers over HTTP, and for what it does not. */
export async function fetchAll(lab: Lab, into: Record<string, string>, when: string): Promise<void> {
  const port = lab.musters[0]?.httpPort;
  for (const path of ["/metrics", "/readyz", "/healthz", "/nothing", "/%ff"]) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    into[path + when] = `${answer.status} ${JSON.stringify([...answer.headers])} ${await answer.text()}`;
  }
}
