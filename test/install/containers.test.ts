import { describe, expect, it } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { parse } from "yaml";
import { Config } from "../../src/settings.ts";
import { everything, podOf, read, rendered, root, type Json } from "./chart.ts";

describe("the compose file", () => {
  type Mount = { source: string; target: string; read_only: boolean; bind: Json };
  type Service = {
    command?: string[];
    read_only?: boolean;
    depends_on?: Record<string, Json>;
    deploy?: Json;
    ports?: string[];
    healthcheck?: { test: string[] };
    env_file?: Json[];
    environment?: Record<string, string>;
    volumes?: (string | Mount)[];
  };
  const { services } = parse(read("deploy/compose.yaml"), { merge: true }) as { services: Record<string, Service> };

  it("makes the tables once, then starts two servers that write nothing to disk", () => {
    expect(services["migrate"]).toMatchObject({ command: ["migrate"], read_only: true });
    expect(services["muster"]).toMatchObject({ read_only: true, deploy: { replicas: 2 } });
    expect(services["muster"]?.depends_on).toEqual({ migrate: { condition: "service_completed_successfully" } });
    const awaited = Object.values(services).flatMap(({ depends_on: on = {} }) => Object.keys(on));
    expect(awaited.filter((name) => !(name in services))).toEqual([]);
    // While the image fills a new volume it answers at its socket, and is not there for others.
    expect(services["postgres"]?.healthcheck?.test.join(" ")).toContain("pg_isready -h 127.0.0.1 ");
  });

  it("opens ports to its own machine alone", () => {
    const open = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(open).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
  });

  it("says that its own Postgres is spoken to in clear on purpose", () => {
    const urls = ["migrate", "muster"].map((name) => services[name]?.environment?.["DATABASE_URL"] ?? "");
    for (const url of urls) expect(url).toMatch(/@postgres:5432\/muster\?sslmode=disable$/);
  });

  it("mounts what the settings name where the chart has it, and makes no folder of what is missing", () => {
    const { volumes = [], environment: { ESTATE = "" } = {} } = services["muster"] ?? {};
    // One that is written in short would make a folder.
    const [folder, ...mounts] = volumes.flatMap((mount) => (typeof mount === "string" ? [] : [mount]));
    expect(volumes.map((mount) => typeof mount !== "string" && mount.bind)).toEqual(
      volumes.map(() => ({ create_host_path: false })),
    );
    // The folder, and not the file: whoever writes it anew makes another file, and the container would keep the old.
    const { volumeMounts, env: own } = podOf(rendered().get("Deployment")).containers[0] ?? {};
    expect(own).toContainEqual({ name: "ESTATE", value: ESTATE });
    expect(volumeMounts).toContainEqual({ name: "estate", mountPath: folder?.target, readOnly: true });
    expect([dirname(ESTATE), folder?.read_only]).toEqual([folder?.target, true]);
    const paths = [...read("deploy/muster.env.example").matchAll(/^([A-Z_]+)=(\/.+)$/gm)];
    expect(paths.map(([, name]) => name)).toEqual(["KUBECONFIG", "EXTRA_CA_FILE"]);
    expect(mounts.map(({ target }) => target)).toEqual(paths.map(([, , path]) => path));
    const env = podOf(rendered(everything).get("Deployment")).containers[0]?.env;
    for (const [, name, value] of paths) expect(env).toContainEqual({ name, value });
    expect(services["migrate"]).toMatchObject({ volumes: services["muster"]?.volumes });
  });

  it("reads the settings as kubectl reads them: a $, a # or a quote in a password is one", () => {
    for (const name of ["migrate", "muster"])
      expect(services[name]?.env_file).toEqual([{ path: "muster.env", format: "raw" }]);
    // What is parsed no more must not be written as if it were.
    expect(read("deploy/muster.env.example")).not.toMatch(/^[A-Z_]+=(?:["']|.*[ \t]#)/m);
  });

  it("names settings that there are, and what an estate refers to, and holds no secret", () => {
    const named = [...read("deploy/muster.env.example").matchAll(/^#? ?([A-Z][A-Z_]+)=(.*)$/gm)];
    const referredTo = [...read("docs/estate.md").matchAll(/appRole: \{ env: (\w+) \}/g)].map(([, name = ""]) => name);
    const known = [...Object.keys(Config.shape), ...referredTo];
    const names = named.map(([, name = ""]) => name);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    // What the chart's Secret must have, and compose.yaml sets or the estate names.
    expect(names).toEqual(expect.arrayContaining(["DATABASE_URL", ...referredTo]));
    expect(named.flatMap(([, , value = ""]) => (/^$|^\//.test(value) ? [] : [value]))).toEqual([]);
  });
});

describe("the Dockerfile", () => {
  const text = read("Dockerfile");

  it("copies what is there, and what .dockerignore lets through", () => {
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = ""]) => names.split(" "));
    const through = read(".dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    expect(copied.filter((name) => !existsSync(root + name) || !through.includes(name))).toEqual([]);
    expect(copied).toEqual(expect.arrayContaining(["src", "jobs", "commands", "package-lock.json"]));
  });

  it("stands on glibc and Node 24, runs as nobody special, and asks after its health", () => {
    const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(new Set(bases)).toEqual(new Set(["node:24-slim"]));
    expect(text).toMatch(/^USER node$/m);
    expect(text).toMatch(/^HEALTHCHECK [^]*\/healthz/m);
  });

  it.each([
    [{}, 8080],
    [{ HTTP_PORT: "" }, 8080],
    [{ HTTP_PORT: "9000" }, 9000],
  ])("asks at the port where Muster listens: %j", (env, port) => {
    const [, words = ""] = /^HEALTHCHECK [^]*?CMD (\[.+\])$/m.exec(text) ?? [];
    const [, , code = ""] = JSON.parse(words) as string[];
    const asking = `globalThis.fetch = (url) => Promise.resolve({ ok: url === process.argv[1] }); ${code}`;
    const { status } = spawnSync(process.execPath, ["-e", asking, `http://127.0.0.1:${port}/healthz`], { env });
    expect(status).toBe(0);
  });

  it("leaves out no package that the product asks for", () => {
    // Renderers come as optional packages, one for each platform: without them there are no pictures.
    expect(text).not.toContain("--omit=optional");
  });
});
