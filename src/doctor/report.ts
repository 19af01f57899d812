import type { Finding } from "./finding.ts";

/** Everything that was found, and whether anything is broken: what `--json` prints. */
export type Report = { ok: boolean; counts: Record<Finding["state"], number>; findings: Finding[] };

/** Sums up what was found. Warnings do not break anything. */
export function reportOf(findings: Finding[]): Report {
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length;
  const counts = { ok: count("ok"), warning: count("warning"), broken: count("broken") };
  return { ok: counts.broken === 0, counts, findings };
}

const words = { ok: "ok", warning: "warning", broken: "will not work" } as const;
const indent = " ".repeat(15);

/** Writes a report for people, a line each. */
export function linesOf({ counts, findings }: Report): string[] {
  return [
    ...findings.flatMap((finding) => {
      const head = `${words[finding.state].padEnd(indent.length)}${finding.subject}`;
      if (finding.state === "ok") return [`${head}: ${finding.seen}`];
      const { happened, means, todo } = finding;
      return [
        head,
        ...[happened, means, todo].flatMap((text) => text.trimEnd().split("\n")).map((line) => indent + line),
      ];
    }),
    "",
    `${counts.ok} ok, ${counts.warning} ${counts.warning === 1 ? "warning" : "warnings"}, ${counts.broken} will not work. Nothing was changed.`,
  ];
}
