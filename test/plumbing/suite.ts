import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/errors.ts";
import { ensurePackages, type SystemPackage } from "../../src/lab/system-packages.ts";

type Totals = { passed: number; failed: number };
type JestReport = { numPassedTests: number; numFailedTests: number; numRuntimeErrorTestSuites: number };

const root = fileURLToPath(new URL("../..", import.meta.url));
const nodeOptions = "--experimental-vm-modules --disable-warning=ExperimentalWarning";

/**
 * Installs the programs the tests need where they are missing, runs jest under this very Node, once for each list of words and
 * one after the other, and prints the totals as the last line. The process fails if a test did, or if none ran.
 */
export async function runSuite(needed: SystemPackage[], runs: string[][], env: Record<string, string> = {}) {
  const { passed, failed } = await prepareAndRun(needed, runs, env);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

async function prepareAndRun(needed: SystemPackage[], runs: string[][], env: Record<string, string>): Promise<Totals> {
  try {
    await ensurePackages(needed);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    return { passed: 0, failed: 1 };
  }
  const totals = { passed: 0, failed: 0 };
  for (const args of runs) {
    const { passed, failed } = await runJest(args, env);
    totals.passed += passed;
    totals.failed += failed;
  }
  return totals;
}

/** A file that could not be run at all counts as one failure, and so does a jest that failed without saying which. */
async function runJest(args: string[], env: Record<string, string>): Promise<Totals> {
  const folder = await mkdtemp(join(tmpdir(), "muster-suite-"));
  const report = join(folder, "report.json");
  const jest = join(root, "node_modules/jest/bin/jest.js");
  try {
    const child = spawn(process.execPath, [jest, "--ci", "--json", `--outputFile=${report}`, ...args], {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, ...env, NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} ${nodeOptions}`.trim() },
    });
    const [code] = (await once(child, "close")) as [number | null];
    const totals = await readTotals(report);
    return code !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readTotals(path: string): Promise<Totals> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1 };
  const report = JSON.parse(text) as JestReport;
  return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites };
}
