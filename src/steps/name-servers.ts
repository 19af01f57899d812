import { isIP } from "node:net";
import { askServer, findRecords } from "../adapters/dns.ts";
import type { DnsName, RegionRecord } from "../adapters/route53.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import type { StepContext } from "../engine/step.ts";

/** What name servers shall answer: a record's values, or what the name answers that its alias leads to. */
export type Expected = { values: string[]; alias?: string; nameServers: string[] };

/**
 * The answers that are right at this moment; none where nobody can tell. Of an alias one of them is enough: a load balancer
 * gives a share of its addresses, and another share to the next who asks.
 */
export type Right = { values: string[]; oneIsEnough?: true };

/** By name server, every value it answered, or why it did not: the end of a sentence about it. */
export type Answers = Record<string, { values: string[] } | { failed: string }>;

/**
 * How long a change of a name that was taken back is acted on, for a step's `lingers`: name servers usually agree within 60
 * seconds, and resolvers keep an answer for its TTL. Until then the pods must stay.
 */
export const untilForgotten = ({ dns, toRegion }: { dns: Pick<DnsName, "ttl">; toRegion: string }) => ({
  seconds: 60 + dns.ttl,
  because: `resolvers may still send customers to ${toRegion}`,
});

/** A shared answer is drawn by chance, and a server is many machines: one good answer would prove little. */
const questionsEach = 8;

/** Asks every name server of a zone for a name, several times at once. */
export async function askNameServers(ctx: StepContext, dns: DnsName, nameServers: readonly string[]): Promise<Answers> {
  const asked = await Promise.all(
    nameServers.map(async (server) => {
      const each = await askOften(ctx, dns, server);
      const failed = each.find((answer) => "failed" in answer);
      const values = [...new Set(each.flatMap((answer) => ("values" in answer ? answer.values : [])))].toSorted();
      const empty = each.some((answer) => "values" in answer && answer.values.length === 0);
      return [server, failed ?? { values: empty ? [] : values }] as const;
    }),
  );
  return Object.fromEntries(asked);
}

/** What name servers shall answer once a region's record is the one that answers. */
export function expectedOf(record: RegionRecord | undefined, nameServers: string[]): Expected {
  return { values: record?.values ?? [], ...(record?.alias ? { alias: record.alias.name } : {}), nameServers };
}

/** Finds what the right answers are now: an alias is followed anew at each look. */
export async function findRight(ctx: StepContext, { type }: DnsName, { values, alias }: Expected): Promise<Right> {
  if (alias === undefined) return { values };
  try {
    const found = await findRecords(ctx, ctx.clients.names, { name: alias, type }, { signal: ctx.signal });
    return { values: found, oneIsEnough: true };
  } catch (error) {
    ctx.signal.throwIfAborted();
    // Our own resolver is ill: what customers get is for the public ones to say.
    if (whyUnreachable(error)) return { values: [] };
    throw error;
  }
}

/** Finds the name servers that still answer something else than what is right, or nothing; a clause each. */
export async function findBehind(
  ctx: StepContext,
  dns: DnsName,
  nameServers: readonly string[],
  right: Right,
): Promise<string[]> {
  if (right.values.length === 0) return [];
  const behind = await Promise.all(
    nameServers.map(async (server) => {
      const answers = await askOften(ctx, dns, server);
      const wrong = answers.find((answer) => "failed" in answer || isWrong(answer.values, right));
      if (!wrong) return [];
      return [`${server} ${"failed" in wrong ? wrong.failed : `answers ${wrong.values.join(", ") || "nothing"}`}`];
    }),
  );
  return behind.flat();
}

/** Whether one answer is not what it should be. Pure. */
export function isWrong(values: readonly string[], { values: right, oneIsEnough }: Right): boolean {
  return oneIsEnough ? values.every((value) => differs([value], right)) : differs(values, right);
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

const askOften = (ctx: StepContext, dns: DnsName, server: string) =>
  Promise.all(Array.from({ length: questionsEach }, () => ask(ctx, dns, server)));

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
function differs(values: readonly string[], wanted: readonly string[]): boolean {
  const plain = new Set(wanted.map(bare));
  return values.length === 0 || values.some((value) => !plain.has(bare(value)));
}

/**
 * Names of CNAME records come with and without their last dot. Route 53 keeps an IPv6 address as it was typed, and a resolver
 * tells it in its shortest form.
 */
function bare(value: string): string {
  if (isIP(value) === 6) return new URL(`http://[${value}]`).hostname;
  return value.toLowerCase().replace(/\.$/, "");
}
