import { Agent, request } from "undici";
import { call, type CallContext, type CallOptions } from "../call.ts";
import type { Web } from "./probe.ts";

/**
 * Asks a web server what time it is: the Date header of its answer, whatever that answer is. Whole seconds.
 * @throws Error when it names none, and what undici throws when nothing answers.
 */
export async function getServerDate(ctx: CallContext, web: Web, url: string, options?: CallOptions): Promise<Date> {
  const connect = { lookup: web.names.lookup, ...(web.trust ? { secureContext: web.trust } : {}) };
  const dispatcher = new Agent({ connect, pipelining: 0 });
  try {
    const date = await call(
      ctx,
      "web.Date",
      async (signal) => {
        const { headers, body } = await request(url, { method: "HEAD", signal, dispatcher });
        await body.dump();
        return new Date(String(headers.date));
      },
      { ...options, target: `web ${new URL(url).host}` },
    );
    if (Number.isNaN(date.getTime())) throw new Error(`${new URL(url).host} does not say what time it is`);
    return date;
  } finally {
    await dispatcher.destroy();
  }
}
