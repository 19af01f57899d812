import { expect } from "@jest/globals";
import { readFile, writeFile } from "node:fs/promises";
import { checkUp } from "../../src/checkup.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import type { Report } from "../../src/doctor/report.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

type Trouble = Exclude<Finding, { state: "ok" }>;
type Changed = Record<string, string>;

/** A lab in which something is broken, looked at, and put right again. */
export type Patient = {
  lab: Lab;
  /** Looks, with some settings changed. */
  report(changed?: Changed, wallNow?: () => Date): Promise<Report>;
  /** What is not well: "broken <subject>: <what happened>". Each must say what it means and what to do, too. */
  troubles(changed?: Changed, wallNow?: () => Date): Promise<string[]>;
  /** Breaks something, looks, and puts it right. */
  broken(breaks: () => unknown, mends: () => unknown): Promise<string[]>;
  /** Looks with another estate file, and with something else broken besides. */
  withEstate(edit: (yaml: string) => string, breaks?: () => unknown): Promise<string[]>;
};

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Opens a lab without a server: only what Muster stands on. */
export async function openPatient(): Promise<Patient> {
  const lab = await openLab({
    serve: false,
    settings: { CALL_TIMEOUT_MILLISECONDS: "10000", LEASE_MILLISECONDS: "30000" },
  });
  const patient: Patient = {
    lab,
    report: (changed = {}, wallNow) =>
      checkUp({ env: { ...lab.environment, ...changed }, log, clock: lab.time.clock, ...(wallNow ? { wallNow } : {}) }),
    async troubles(changed, wallNow) {
      const { ok, findings } = await patient.report(changed, wallNow);
      const bad = findings.filter((finding): finding is Trouble => finding.state !== "ok");
      expect(ok).toBe(!bad.some(({ state }) => state === "broken"));
      for (const { happened, means, todo } of bad) {
        for (const said of [happened, means, todo]) expect(said).toMatch(/^[A-Za-z\d].*\S$/s);
        expect(`${happened} ${means} ${todo}`).not.toMatch(/undefined|\[object|Error:|sorry|please/);
      }
      return bad.map(({ state, subject, happened }) => `${state} ${subject}: ${happened}`);
    },
    async broken(breaks, mends) {
      try {
        await breaks();
        return await patient.troubles();
      } finally {
        await mends();
      }
    },
    async withEstate(edit, breaks) {
      const yaml = await readFile(lab.estatePath, "utf8");
      expect(edit(yaml)).not.toBe(yaml);
      return patient.broken(
        async () => {
          await writeFile(lab.estatePath, edit(yaml));
          await breaks?.();
        },
        () => writeFile(lab.estatePath, yaml),
      );
    },
  };
  return patient;
}

/** Takes a whole line out of a file. */
export const without = (yaml: string, line: string): string => yaml.replace(new RegExp(`^ *${line}\\n`, "m"), "");
