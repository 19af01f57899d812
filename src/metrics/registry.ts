import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** A figure that is set anew for each answer. */
export type Figure = {
  set(labels: Record<string, string>, value: number): void;
  /** Takes out all it showed: what is not known is not 0. */
  clear(): void;
};

type Described = { name: string; help: string; labels?: readonly string[] };

/** One line of docs/metrics.md. */
export type MetricLine = { name: string; help: string; type: string; labels: readonly string[] };

/** The metrics of one process; the only place that knows prom-client. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #lines: MetricLine[] = [];

  counter(described: Described): Counter {
    return new Counter(this.#describe("counter", described));
  }

  gauge(described: Described): Figure {
    const gauge = new Gauge(this.#describe("gauge", described));
    const clear = () => {
      gauge.reset();
      // One without labels would go on showing 0.
      if (!described.labels?.length) gauge.remove();
    };
    clear();
    return { set: (labels, value) => gauge.set(labels, value), clear };
  }

  /** `buckets` are upper bounds in the metric's unit. */
  histogram(described: Described & { buckets: readonly number[] }): Histogram {
    return new Histogram({ ...this.#describe("histogram", described), buckets: [...described.buckets] });
  }

  /** Everything there is, in the order in which it was made. */
  get lines(): readonly MetricLine[] {
    return this.#lines;
  }

  /** Writes everything down in Prometheus's text format. */
  async read(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #describe(type: string, { name, help, labels = [] }: Described) {
    this.#lines.push({ name, help, type, labels });
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}
