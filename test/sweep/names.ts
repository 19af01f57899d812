import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folders = ["jobs", "jobs/propose", "src/engine", "src/steps", "src/facts", "src/adapters"];
/** Steps of other jobs than the failover. */
const others = new Set(["fence-returned.ts"]);

/** How a name is given to a call, and what the adapter puts before it. */
const ways: readonly [RegExp, string][] = [
  [/\bcall\(\s*[\w.]+,\s*["`]([\w.-]+)/g, ""],
  [/\baskCluster\(\s*\w+,\s*\w+,\s*"(\w+)"/g, "kubernetes."],
  [/\bcall: "(\w+)"/g, "kubernetes."],
  [/\baskPage\(\s*\w+,\s*\w+,\s*"(\w+)"/g, "statuspage."],
  [/\basMuster\(\s*\w+,\s*\w+,\s*"(\w+)"/g, "postgres."],
  [/\bwithPostgres\(\s*[^;]*?,\s*"(\w+)"/g, "postgres."],
];

/** Collects the names of all calls that leave the process, as the source gives them. */
export function namesOfProduct(): Set<string> {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const file of readdirSync(root + folder).filter((name) => name.endsWith(".ts") && !others.has(name))) {
      const text = readFileSync(`${root}${folder}/${file}`, "utf8");
      for (const [way, prefix] of ways) for (const [, name = ""] of text.matchAll(way)) names.add(prefix + name);
    }
  }
  // What ends in a dot is the way in for the names above; Slack's are its methods'.
  for (const open of ["kubernetes.", "postgres.", "statuspage."]) names.delete(open);
  if (names.delete("slack.")) names.add("slack.*");
  return names;
}
