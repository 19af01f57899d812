import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type SpanContext,
} from "@opentelemetry/api";
import { messageOf } from "./errors.ts";

export type SpanOptions = {
  /** Names and numbers. Never a text from outside: it may hold a secret. */
  attributes?: Record<string, string | number>;
  /** Where the work was asked for, as `currentTrace` told it there, maybe in another process. Null: it begins a trace. Absent: here. */
  parent?: string | null | undefined;
  /** "in": somebody asked us. "out": we ask somebody. */
  kind?: "in" | "out";
  /** Takes secrets out of what an error says. */
  redact: (text: string) => string;
};

const kinds = { in: SpanKind.CONSUMER, out: SpanKind.CLIENT };

/**
 * Does some work as a span of the trace it belongs to. What it throws ends the span as an error and goes on. Without an
 * OpenTelemetry SDK, which the operator loads (docs/seen.md), the span is nothing and costs next to nothing.
 */
export function inSpan<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const { attributes = {}, parent, kind, redact } = options;
  const from = parent === undefined ? context.active() : remote(parent);
  const made = { attributes, kind: kind ? kinds[kind] : SpanKind.INTERNAL };
  return trace.getTracer("muster").startActiveSpan(name, made, from, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: redact(messageOf(error)) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Whether what goes on here is part of a trace. */
export const isTraced = (): boolean => trace.getActiveSpan() !== undefined;

/** Tells where we are in a trace, as W3C's traceparent, for a row that another process will read; undefined where nobody traces. */
export function currentTrace(): string | undefined {
  const spanContext = trace.getActiveSpan()?.spanContext();
  if (!spanContext || !isSpanContextValid(spanContext)) return undefined;
  const { traceId, spanId, traceFlags } = spanContext;
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** Written and read by ourselves, so that a row means the same whatever propagators a process was started with. */
function remote(parent: string | null): Context {
  const [, traceId = "", spanId = "", flags = "00"] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(parent ?? "") ?? [];
  const spanContext: SpanContext = { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT;
}
