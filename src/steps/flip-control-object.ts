import { deleteObject, getObject, isRefusal, putObject, spellObject, type S3Object } from "../adapters/s3.ts";
import type { DnsName } from "../adapters/route53.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { CannotContinue } from "../errors.ts";
import { isUnknown, step, unknown, type StepContext, type Unknown } from "../engine/step.ts";
import { askNameServers, behindOf, strayFrom, untilForgotten, type Answers, type Expected } from "./name-servers.ts";

export type FlipControlObjectInput = {
  service: string;
  toRegion: string;
  /** In the region that stands by; the primary's health check watches it, inverted. */
  object: S3Object;
  /** "there" sends customers to the object's region, "gone" to the primary's. */
  wanted: "there" | "gone";
  dns: DnsName;
  /** What the new region's answers are. */
  expected: Expected;
};

export type FlipControlObjectSeen = {
  /** The object's ETag, and what it says; null where there is none. */
  object: { etag: string; text: string } | null;
  /** Of the name servers; empty where nobody can tell what the right answer is. */
  answers: Answers;
};

/** Sends every DNS answer for a service to one region by an object that the primary's health check watches: no control plane is needed. */
export const flipControlObject = step<FlipControlObjectInput, FlipControlObjectSeen>({
  name: "flip-control-object",
  title: ({ service, toRegion, wanted, object }) =>
    `send all traffic for ${service} to ${toRegion} by ${wanted === "there" ? "putting" : "deleting"} ${spellObject(object)}`,

  async observe(ctx, input) {
    const { dns, expected } = input;
    const found = await lookAtObject(ctx, input);
    if (isUnknown(found)) return found;
    const answers = expected.values.length > 0 ? await askNameServers(ctx, dns, expected.nameServers) : {};
    return { ...found, answers };
  },

  missing({ object, answers }, { wanted, expected, object: place }) {
    if (wanted === "there" && !object) return `${spellObject(place)} is not there`;
    if (wanted === "gone" && object) return `${spellObject(place)} is still there`;
    // The health check needs to see it some times in a row.
    const [behind] = behindOf(answers, expected.values);
    return behind && `the name server ${behind}`;
  },

  async apply(ctx, { object, wanted, toRegion }, { seen }) {
    await makeIt(ctx, object, seen.object, wanted === "there" ? sign(ctx, toRegion) : null);
  },

  // A condition that does not hold is a refusal too: somebody else was there first, and the next look tells what is so.
  hadNoEffect: (error) => isRefusal(error) || error instanceof CannotContinue,

  undo: {
    async apply(ctx, { object }, { seen, before }) {
      await makeIt(ctx, object, seen.object, before.object?.text ?? null);
    },
    missing({ object, answers }, before, { object: place }) {
      if (object && !before.object) return `${spellObject(place)} is still there, before it was not`;
      if (!object && before.object) return `${spellObject(place)} is not there, before it was`;
      const stray = strayFrom(answers, before.answers);
      return stray && `the name server ${stray} does not answer as before yet`;
    },
    lingers: untilForgotten,
  },

  // The check looks every 10 or 30 seconds, and wants to see the same several times.
  patienceSeconds: 300,
  settleSeconds: 10,
  pollSeconds: 5,
});

async function lookAtObject(
  ctx: StepContext,
  { object, wanted, toRegion }: FlipControlObjectInput,
): Promise<Pick<FlipControlObjectSeen, "object"> | Unknown> {
  try {
    return { object: await getObject(ctx, await ctx.clients.s3(object.region), object, { signal: ctx.signal }) };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const silence = whyUnreachable(error);
    if (!silence) throw error;
    const meanwhile = `; Route 53 answers ${toRegion} by itself for so long, and ${object.region} again when it comes back with the object`;
    return unknown(
      `S3 in ${object.region}, where the control object is, ${silence}${wanted === "gone" ? meanwhile : ""}`,
    );
  }
}

/** Puts the object where there is none, or deletes the one that was seen; S3 refuses where it is another by now. */
async function makeIt(
  ctx: StepContext,
  place: S3Object,
  seen: FlipControlObjectSeen["object"],
  text: string | null,
): Promise<void> {
  const s3 = await ctx.clients.s3(place.region);
  const options = { signal: ctx.signal };
  if (text !== null && !seen) await putObject(ctx, s3, place, text, options);
  if (text === null && seen) await deleteObject(ctx, s3, place, seen.etag, options);
}

/** What the object says is for people who find it; to the health check only matters that it is there. */
const sign = (ctx: StepContext, toRegion: string): string =>
  `Muster's run ${ctx.runId} sends customers to ${toRegion}. While this object is here, they go there.\n`;
