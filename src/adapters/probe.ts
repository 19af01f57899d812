import { performance } from "node:perf_hooks";
import type { SecureContext } from "node:tls";
import { Agent, request } from "undici";
import { call, type CallContext, type CallOptions } from "../call.ts";
import { messageOf } from "../errors.ts";
import type { Names } from "./dns.ts";
import { whyUnreachable } from "./unreachable.ts";

/**
 * What probes go through: names as customers resolve them, and whom to trust, where that is more than the built-in authorities.
 * They are read once: every probe has a connection of its own, and reading all of them anew takes milliseconds of the processor.
 */
export type Web = { names: Names; trust?: SecureContext | undefined };

export type ProbeTarget = {
  /** The health address as customers type it. */
  url: string;
  /** The edge to ask instead of whoever the public name leads to: a host name, an address, or a URL with its own port. */
  address?: string;
  /** Slowest answer that counts as healthy, in wall milliseconds. */
  limitMs: number;
};

/** One look at a health address. */
export type Probed = {
  ok: boolean;
  status?: number;
  tookMs: number;
  /** Why it is not ok: the end of a sentence about the service. */
  why?: string;
  /** Whether the certificate is for the public name; absent without TLS, or when it did not get that far. */
  certificateCovers?: boolean;
};

/**
 * Asks a health address once, over a connection of its own, and never follows a redirect. An edge is asked by its own
 * address with the public name in SNI and Host: what customers will meet there once they are sent. A failed probe is an
 * answer; only the caller's own abort is thrown.
 */
export async function probe(ctx: CallContext, web: Web, target: ProbeTarget, options?: CallOptions): Promise<Probed> {
  const url = new URL(target.url);
  const https = url.protocol === "https:";
  const connect = {
    lookup: web.names.lookup,
    ...(https ? { servername: url.hostname, ...(web.trust ? { secureContext: web.trust } : {}) } : {}),
  };
  const agent = new Agent({ connect, pipelining: 0 });
  const asked = through(url, target.address);
  const startedAt = performance.now();
  const took = () => Math.round(performance.now() - startedAt);
  try {
    const status = await call(
      ctx,
      "probe.Get",
      async (signal) => {
        const headers = { host: url.host, "user-agent": "muster-prober" };
        const { statusCode, body } = await request(asked, { headers, signal, dispatcher: agent });
        await body.dump();
        return statusCode;
      },
      { ...options, target: `probe ${new URL(asked).hostname}` },
    );
    const tookMs = took();
    const why = judge(status, tookMs, target.limitMs);
    return {
      ok: why === undefined,
      status,
      tookMs,
      ...(why ? { why } : {}),
      ...(https ? { certificateCovers: true } : {}),
    };
  } catch (error) {
    options?.signal?.throwIfAborted();
    const wrongName = codeOf(error) === "ERR_TLS_CERT_ALTNAME_INVALID";
    const why = wrongName
      ? `its certificate does not cover ${url.hostname}`
      : (whyUnreachable(error) ?? `could not be asked: ${messageOf(error)}`);
    return { ok: false, tookMs: took(), why, ...(wrongName ? { certificateCovers: false } : {}) };
  } finally {
    await agent.destroy();
  }
}

function judge(status: number, tookMs: number, limitMs: number): string | undefined {
  if (status < 200 || status > 299) return `answers ${status}`;
  return tookMs > limitMs ? `answers after ${tookMs} ms, more than its ${limitMs} ms` : undefined;
}

function through(url: URL, address: string | undefined): string {
  if (!address) return url.href;
  const edge = address.includes("://") ? new URL(address) : new URL(`${url.protocol}//${address}:${url.port}`);
  return `${edge.origin}${url.pathname}${url.search}`;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
