import type { MetricLine } from "../../src/metrics/registry.ts";

const ofHistogram = /_(?:bucket|sum|count)$/;

type Named = { name: string; metric: MetricLine | undefined; labels: string[] };

/** Finds what a query names: a metric of Muster's, and the labels it is picked by. */
function namesIn(query: string, metrics: readonly MetricLine[]): Named[] {
  return [...query.matchAll(/\b(muster_\w+)(?:\{([^}]*)\})?/g)].map(([, name = "", picked = ""]) => {
    const exact = metrics.find((metric) => metric.name === name);
    const histogram = metrics.find(
      (metric) =>
        metric.type === "histogram" && ofHistogram.test(name) && metric.name === name.replace(ofHistogram, ""),
    );
    const labels = [...picked.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label);
    return { name, metric: exact ?? histogram, labels };
  });
}

/** Names the metrics that a query shows. */
export const metricsIn = (query: string, metrics: readonly MetricLine[]): string[] =>
  namesIn(query, metrics).flatMap(({ metric }) => (metric ? [metric.name] : []));

/** Says what of a PromQL query cannot be, as far as the list of metrics tells, a sentence each. */
export function faultsOf(query: string, metrics: readonly MetricLine[]): string[] {
  const named = namesIn(query, metrics);
  const faults = named.flatMap(({ name, metric, labels }) => {
    if (!metric) return [`${name} is no metric of Muster's`];
    if (metric.type === "histogram" && metric.name === name)
      return [`${name} is a histogram: take _bucket, _sum or _count`];
    return labels.filter((label) => !metric.labels.includes(label)).map((label) => `${name} has no label ${label}`);
  });
  const known = new Set(
    named.flatMap(({ metric, name }) => [...(metric?.labels ?? []), ...(name.endsWith("_bucket") ? ["le"] : [])]),
  );
  const grouped = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/,\s*/));
  const lost = [...new Set(grouped)].filter((label) => !known.has(label));
  return [
    ...faults,
    ...lost.map((label) => `no metric of ${query} has a label ${label}`),
    ...(isBalanced(query) ? [] : [`its brackets do not match: ${query}`]),
  ];
}

function isBalanced(query: string): boolean {
  const open: string[] = [];
  const closes: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
  for (const sign of query.replaceAll(/"[^"]*"/g, "")) {
    if ("([{".includes(sign)) open.push(sign);
    else if (closes[sign] !== undefined && open.pop() !== closes[sign]) return false;
  }
  return open.length === 0;
}
