import { describe, expect, it } from "@jest/globals";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { listMetrics } from "../../src/metrics/open.ts";
import { faultsOf, metricsIn } from "./promql.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (file: string) => readFileSync(root + file, "utf8");
const metrics = listMetrics();

type Target = { refId: string; expr: string };
type Panel = {
  id: number;
  type: string;
  title: string;
  description?: string;
  targets?: Target[];
  gridPos: { x: number; y: number; w: number; h: number };
};
type Dashboard = { title: string; uid: string; panels: Panel[]; annotations: { list: { expr: string }[] } };
const dashboard = JSON.parse(read("deploy/grafana/muster.json")) as Dashboard;
const { panels } = dashboard;
const queriesOfDashboard = [
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.annotations.list.map(({ expr }) => expr),
];

type Rule = {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
};
const rules = (parse(read("deploy/prometheus/muster.rules.yaml")) as { groups: { name: string; rules: Rule[] }[] })
  .groups;
const alerts = rules.flatMap(({ rules: all }) => all);

describe("the Grafana dashboard", () => {
  it("asks for nothing that Muster does not tell, with labels that are there", () => {
    expect(queriesOfDashboard.length).toBeGreaterThan(15);
    expect(queriesOfDashboard.flatMap((query) => faultsOf(query, metrics))).toEqual([]);
  });

  it("shows every metric there is, but for the count of what another panel shows", () => {
    const shown = new Set(queriesOfDashboard.flatMap((query) => metricsIn(query, metrics)));
    expect(metrics.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual(["muster_runs_due"]);
  });

  it("has panels that a person can tell apart, and that do not cover each other", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, description, targets } of panels) {
      if (type === "row") continue;
      expect(description).toMatch(/\.$/);
      expect(targets?.length).toBeGreaterThan(0);
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe("the alert rules", () => {
  it("ask for nothing that Muster does not tell, with labels that are there", () => {
    expect(alerts.length).toBeGreaterThan(10);
    expect(alerts.flatMap(({ expr }) => faultsOf(expr, metrics))).toEqual([]);
  });

  it("each say how bad it is, what happened, and what it means", () => {
    for (const { alert, labels, annotations, for: holds } of alerts) {
      expect(alert).toMatch(/^[A-Z][A-Za-z]+$/);
      expect(["page", "ticket"]).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.description).toMatch(/\.$/);
      if (holds !== undefined) expect(holds).toMatch(/^\d+[smh]$/);
    }
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  it("name in their texts only labels that their figures keep", () => {
    const kept = ({ expr }: Rule) => /by \(([^)]*)\)/.exec(expr)?.[1]?.split(", ") ?? [];
    for (const rule of alerts) {
      const named = [...rule.annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, name]) => name);
      expect({ alert: rule.alert, lost: named.filter((name) => !kept(rule).includes(name ?? "")) }).toEqual({
        alert: rule.alert,
        lost: [],
      });
    }
  });
});

describe("the reader of queries", () => {
  it.each([
    ["sum(muster_nothing)", ["muster_nothing is no metric of Muster's"]],
    ["sum(muster_runs_total)", ["muster_runs_total is no metric of Muster's"]],
    ['muster_runs{step="a"}', ["muster_runs has no label step"]],
    ["max by (service) (muster_runs)", ["no metric of max by (service) (muster_runs) has a label service"]],
    [
      "rate(muster_call_duration_seconds[5m])",
      ["muster_call_duration_seconds is a histogram: take _bucket, _sum or _count"],
    ],
    ["sum(rate(muster_leases_total[5m])", ["its brackets do not match: sum(rate(muster_leases_total[5m])"]],
    ['sum by (le, step) (rate(muster_step_duration_seconds_bucket{outcome="done"}[1h]))', []],
  ])("%s", (query, expected) => {
    expect(faultsOf(query, metrics)).toEqual(expected);
  });
});
