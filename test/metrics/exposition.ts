/** Reads Prometheus's text format: each sample's name with its labels, as they stand there, and its value. */
export function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [, name = "", value = ""] = /^(\S+?(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (name === "" || Number.isNaN(Number(value))) throw new Error(`not a sample: ${line}`);
      return [name, Number(value)];
    }),
  );
}

/** Reads the type of each metric. */
export const typesOf = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => [name, type]));
