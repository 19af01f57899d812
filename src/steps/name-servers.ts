import { askServer } from "../adapters/dns.ts";
import type { DnsName } from "../adapters/route53.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import type { StepContext } from "../engine/step.ts";

/** What name servers shall answer; no values where that cannot be told, as of an alias. */
export type Expected = { values: string[]; nameServers: string[] };

/** By name server, every value it answered, or why it did not: the end of a sentence about it. */
export type Answers = Record<string, { values: string[] } | { failed: string }>;

/** A shared answer is drawn by chance, and a server is many machines: one good answer would prove little. */
const questionsEach = 8;

/** Asks every name server of a zone for a name, several times at once. */
export async function askNameServers(ctx: StepContext, dns: DnsName, nameServers: readonly string[]): Promise<Answers> {
  const asked = await Promise.all(
    nameServers.map(async (server) => {
      const each = await Promise.all(Array.from({ length: questionsEach }, () => ask(ctx, dns, server)));
      const failed = each.find((answer) => "failed" in answer);
      const values = [...new Set(each.flatMap((answer) => ("values" in answer ? answer.values : [])))].toSorted();
      const empty = each.some((answer) => "values" in answer && answer.values.length === 0);
      return [server, failed ?? { values: empty ? [] : values }] as const;
    }),
  );
  return Object.fromEntries(asked);
}

/** Finds the name servers that still answer something else than the wanted values, or nothing; a clause each. */
export async function findBehind(
  ctx: StepContext,
  dns: DnsName,
  nameServers: readonly string[],
  wanted: readonly string[],
): Promise<string[]> {
  return behindOf(await askNameServers(ctx, dns, nameServers), wanted);
}

/** Of answers, those that hold anything but the wanted values, or nothing; a clause each. Pure. */
export function behindOf(answers: Answers, wanted: readonly string[]): string[] {
  return Object.entries(answers).flatMap(([server, answer]) => {
    if ("failed" in answer) return [`${server} ${answer.failed}`];
    return differs(answer.values, wanted) ? [`${server} answers ${answer.values.join(", ") || "nothing"}`] : [];
  });
}

/** Finds a name server that answers something else than it did before. Pure. */
export function strayFrom(answers: Answers, before: Answers): string | undefined {
  return Object.keys(answers).find((server) => {
    const [now, then] = [answers[server], before[server]];
    return now && then && "values" in now && "values" in then && differs(now.values, then.values);
  });
}

async function ask(ctx: StepContext, dns: DnsName, server: string): Promise<Answers[string]> {
  try {
    const { values } = await askServer(ctx, ctx.clients.names, server, dns, { signal: ctx.signal });
    return { values };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { failed: whyUnreachable(error) ?? "does not answer" };
  }
}

/** Whether an answer holds anything but the wanted values, or nothing at all. */
export function differs(values: readonly string[], wanted: readonly string[]): boolean {
  const plain = new Set(wanted.map(bare));
  return values.length === 0 || values.some((value) => !plain.has(bare(value)));
}

// Names of CNAME records come with and without their last dot.
const bare = (value: string): string => value.toLowerCase().replace(/\.$/, "");
