import { type Browser, chromium, type Page as Tab } from "playwright-core";
import { findProgram } from "../../src/lab/system-packages.ts";

// Without these, Chromium asks its maker's servers for things at every start.
const flags = [
  "no-sandbox",
  "disable-gpu",
  "disable-quic",
  "no-first-run",
  "disable-background-networking",
  "disable-component-update",
  "disable-sync",
];

/** How long a page may take for one thing, in wall milliseconds: long, because two cores may be busy with other tests. */
const patienceMs = 45_000;

/** Starts the machine's Chromium without a window. */
export function openBrowser(): Promise<Browser> {
  const executablePath = findProgram("chromium") ?? findProgram("chromium-browser") ?? findProgram("google-chrome");
  return chromium.launch({ ...(executablePath && { executablePath }), args: flags.map((flag) => `--${flag}`) });
}

/** Opens a page in a new tab; what goes wrong in it is added to `faults`. */
export async function openTab(browser: Browser, url: string, faults: string[]): Promise<Tab> {
  const tab = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  tab.setDefaultTimeout(patienceMs);
  tab.on("pageerror", (error) => faults.push(error.message));
  tab.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await tab.goto(url);
  return tab;
}
