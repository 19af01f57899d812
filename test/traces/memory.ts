import { AsyncLocalStorage } from "node:async_hooks";
import { context, ROOT_CONTEXT, trace, type Context, type ContextManager } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";

/** Follows the work through promises and timers, as an SDK's own does. */
class Contexts implements ContextManager {
  readonly #store = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#store.getStore() ?? ROOT_CONTEXT;
  }

  with<Args extends unknown[], Fn extends (...args: Args) => ReturnType<Fn>>(
    active: Context,
    work: Fn,
    thisArg?: ThisParameterType<Fn>,
    ...args: Args
  ): ReturnType<Fn> {
    return this.#store.run(active, () => work.call(thisArg, ...args));
  }

  bind<T>(_active: Context, target: T): T {
    return target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#store.disable();
    return this;
  }
}

/** Traces this process into memory, as an operator's SDK would send them somewhere. */
export function traceIntoMemory() {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  context.setGlobalContextManager(new Contexts());
  trace.setGlobalTracerProvider(provider);
  return {
    spans: (): ReadableSpan[] => exporter.getFinishedSpans(),
    async stop() {
      trace.disable();
      context.disable();
      await provider.shutdown();
    },
  };
}

/** Tells what a span hangs below, by name, up to the first. */
export function wayTo(span: ReadableSpan, spans: readonly ReadableSpan[]): string[] {
  const above = spans.find((one) => one.spanContext().spanId === span.parentSpanContext?.spanId);
  return above ? [...wayTo(above, spans), span.name] : [span.name];
}
