import { askServer } from "../adapters/dns.ts";
import type { DnsName } from "../adapters/route53.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import type { StepContext } from "../engine/step.ts";

/** A shared answer is drawn by chance, and a server is many machines: one good answer would prove little. */
const questionsEach = 8;

/** Finds the name servers that still answer something else than the wanted values, or nothing; a clause each. */
export async function findBehind(
  ctx: StepContext,
  dns: DnsName,
  nameServers: readonly string[],
  wanted: readonly string[],
): Promise<string[]> {
  const asked = await Promise.all(
    nameServers.flatMap((server) => Array.from({ length: questionsEach }, () => ask(ctx, dns, server, wanted))),
  );
  return [...new Set(asked.filter((clause) => clause !== undefined))].toSorted();
}

async function ask(
  ctx: StepContext,
  dns: DnsName,
  server: string,
  wanted: readonly string[],
): Promise<string | undefined> {
  try {
    const { values } = await askServer(ctx, ctx.clients.names, server, dns, { signal: ctx.signal });
    return differs(values, wanted) ? `${server} answers ${values.join(", ") || "nothing"}` : undefined;
  } catch (error) {
    ctx.signal.throwIfAborted();
    return `${server} ${whyUnreachable(error) ?? "does not answer"}`;
  }
}

/** Whether an answer holds anything but the wanted values, or nothing at all. */
export function differs(values: readonly string[], wanted: readonly string[]): boolean {
  const plain = new Set(wanted.map(bare));
  return values.length === 0 || values.some((value) => !plain.has(bare(value)));
}

// Names of CNAME records come with and without their last dot.
const bare = (value: string): string => value.toLowerCase().replace(/\.$/, "");
