import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { commands } from "../../commands/index.ts";
import type { Command } from "../chat.ts";
import { sitsAsAna } from "./estate.ts";
import { openLab, type Lab } from "./lab.ts";
import { lookAtWorld } from "./look-at-world.ts";
import { openPage, type CompletedCommand, type PageOptions } from "./page.ts";
import { Servers } from "./servers.ts";
import type { ServiceWish } from "./services.ts";
import { switchesOf } from "./switches.ts";

export type OpenHouse = {
  /** Address of the page. */
  url: string;
  /** Settings of this lab as lines for a shell: with them, a terminal of this machine drives the same runs. */
  settingsPath: string;
  lab: Lab;
  close(): Promise<void>;
};

export type OpenHouseOptions = {
  /** Of the page; 0, or one that somebody has, takes any that is free. */
  port: number;
  /** Login name of whoever opened it: in the terminal, that is ana. */
  user: string;
  /** What runs in it; checkout alone, when left out. */
  services?: readonly ServiceWish[];
};

/** Servers of Muster beside the lab: one may be killed, and the other goes on. */
const serversWanted = 2;

/** Opens a lab that stays: people buy, two servers of Muster listen, and there is a page to work and break things in. */
export async function openHouse({ port, user, services }: OpenHouseOptions): Promise<OpenHouse> {
  const lab = await openLab({
    rate: 1,
    serve: false,
    replicas: 4,
    ...(services ? { services } : {}),
    customers: { count: 3, everySeconds: 2 },
    estate: { stabilitySeconds: 120 },
    editEstate: (yaml) => sitsAsAna(yaml, user),
    settings: { CALL_TIMEOUT_MILLISECONDS: "5000", LEASE_MILLISECONDS: "10000" },
  });
  const servers = new Servers(lab.environment);
  const close = async () => {
    await servers.stop();
    await lab.close();
  };
  try {
    await Promise.all(Array.from({ length: serversWanted }, () => servers.start()));
    const settingsPath = join(dirname(lab.estatePath), "settings.sh");
    await writeFile(settingsPath, settingsOf(lab), { mode: 0o600 });
    const options: Omit<PageOptions, "port"> = {
      slack: lab.slack,
      world: () => lookAtWorld(lab),
      switches: switchesOf(lab, servers),
      clock: lab.time.clock,
      moveClock: ({ shows, rate }) => lab.time.set(shows, rate),
      commands: commands.filter(({ usage }) => usage.startsWith("/")).map(completed),
      host: "127.0.0.1",
    };
    const page = await openPage({ ...options, port }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      return openPage({ ...options, port: 0 });
    });
    return { url: page.url, settingsPath, lab, close: () => page.close().then(close) };
  } catch (error) {
    await close();
    throw error;
  }
}

function completed({ name, usage, summary }: Command): CompletedCommand {
  return { name: usage.startsWith(`/${name}`) ? `/${name}` : `/muster ${name}`, usage, summary };
}

function settingsOf({ environment }: Lab): string {
  const own = Object.entries(environment).filter(([name]) => name !== "PATH" && name !== "HOME");
  return own.map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`).join("");
}
