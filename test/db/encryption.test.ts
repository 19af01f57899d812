import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { chmod, chown, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import { openDb } from "../../src/db/connect.ts";
import { encryptionOf } from "../../src/db/encryption.ts";
import { openAuthority } from "../../src/lab/certificates.ts";
import { openMusterDatabase, type MusterDatabase } from "../../src/lab/postgres.ts";
import { lookAtQueue, migrateQueue, openQueue } from "../../src/queue.ts";

describe("the line to Muster's database, as its address has it", () => {
  it.each([
    ["localhost/muster", "here"],
    ["127.0.0.1:5432/muster", "here"],
    ["[::1]/muster", "here"],
    ["/muster?host=/var/run/postgresql", "here"],
    ["%2Fvar%2Frun%2Fpostgresql/muster", "here"],
    ["localhost/muster?host=db.example.com", "clear"],
    ["db.example.com/muster", "clear"],
    ["postgres/muster", "clear"],
    ["10.0.0.7/muster", "clear"],
    ["127.0.0.1.example.com/muster", "clear"],
    ["db.example.com/muster?sslmode=disable", "clear-by-choice"],
    ["db.example.com/muster?sslmode=no-verify", "unproven"],
    ["db.example.com/muster?sslmode=require&uselibpqcompat=true", "unproven"],
    ["db.example.com/muster?sslmode=require", "proven"],
    ["db.example.com/muster?sslmode=verify-full&uselibpqcompat=true", "proven"],
    ["db.example.com/muster?sslmode=verify-full&sslrootcert=/etc/ca.pem", "proven"],
    ["db.example.com/muster?ssl=true", "proven"],
  ])("%s is %s", (rest, encryption) => {
    const [, path = ""] = /^(\/.*)$/.exec(rest) ?? [];
    expect(encryptionOf(path ? `postgres://${path}` : `postgres://muster:secret@${rest}`)).toBe(encryption);
  });
});

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Everybody who speaks to Muster's database. Each resolves when it was answered, and rejects when it was not. */
const speakers: readonly [name: string, speak: (url: string) => Promise<unknown>][] = [
  ...[false, true].map((hurries): [string, (url: string) => Promise<unknown>] => [
    hurries ? "the connections for Slack" : "the pool",
    async (url) => {
      const db = openDb(url, { max: 1, leaseMs: 10_000, statementTimeoutMs: 10_000, hurries });
      try {
        const { rows } = await sql<{ ssl: boolean }>`
          select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(db);
        if (!rows[0]?.ssl) throw new Error("the line is in clear");
      } finally {
        await db.destroy();
      }
    },
  ]),
  ["the maker of the queue's tables", migrateQueue],
  ["the look at the queue", (databaseUrl) => lookAtQueue({ redis: undefined, databaseUrl, within: 20_000 })],
  [
    "the queue, and who listens there",
    async (databaseUrl) => {
      const { promise: rung, resolve } = Promise.withResolvers<string>();
      const { promise: refused, reject } = Promise.withResolvers<never>();
      const warn = ({ error }: { error?: unknown }) => reject(new Error(String(error)));
      const queue = openQueue({
        databaseUrl,
        log: { ...log, warn },
        onRing: (runId) => Promise.resolve(resolve(runId)),
      });
      try {
        await queue.ring("fo-1");
        await Promise.race([rung, refused]);
      } finally {
        await queue.close();
      }
    },
  ],
];

describe("a server without TLS", () => {
  /** The first word of each session: what asks for TLS, and nothing else, may be heard here. */
  const heard: number[] = [];
  const sockets = new Set<Socket>();
  let server: Server;
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        heard.push(data.readInt32BE(4));
        socket.write("N");
      });
    });
    await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it.each(speakers)("hears nothing of %s under verify-full", async (_name, speak) => {
    const { port } = server.address() as AddressInfo;
    heard.length = 0;
    await expect(speak(`postgres://muster:secret@127.0.0.1:${port}/muster?sslmode=verify-full`)).rejects.toThrow(
      "The server does not support SSL connections",
    );
    const sslRequest = 80_877_103;
    expect(heard.filter((word) => word !== sslRequest)).toEqual([]);
    expect(heard).not.toEqual([]);
  });
});

describe("a server that an authority of one's own signed for", () => {
  let database: MusterDatabase;
  let folder: string;
  let proven: string;
  let unproven: string;
  beforeAll(async () => {
    database = await openMusterDatabase();
    folder = await mkdtemp(join(tmpdir(), "muster-authority-"));
    const authority = await openAuthority();
    const url = new URL(database.url);
    const { cert, key } = await authority.issue({ addresses: [url.hostname] });
    const { dataDir } = database.server;
    const { uid, gid } = await stat(dataDir);
    for (const [name, text] of Object.entries({ "server.crt": cert, "server.key": key })) {
      await writeFile(join(dataDir, name), text);
      await chown(join(dataDir, name), uid, gid);
      await chmod(join(dataDir, name), 0o600);
    }
    await database.server.ask("postgres", "alter system set ssl = on");
    await database.server.ask("postgres", "select pg_reload_conf()");
    await writeFile(join(folder, "ca.pem"), authority.cert);
    unproven = `${url.href}?sslmode=verify-full`;
    proven = `${unproven}&sslrootcert=${join(folder, "ca.pem")}`;
    const [, speak] = speakers[0] ?? [];
    while (
      !(await speak?.(proven).then(
        () => true,
        () => false,
      ))
    )
      await setTimeout(20);
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(speakers)("is spoken to by %s, where the address names the authority", async (_name, speak) => {
    await expect(speak(proven)).resolves.not.toThrow();
    await expect(speak(unproven)).rejects.toThrow(/certificate/);
  });
});
