import { PageFailed } from "../adapters/statuspage-trouble.ts";
import type { StatusPage } from "../adapters/statuspage.ts";
import type { Context } from "../context.ts";
import { giveUpTurn, holdTurn } from "../db/turn.ts";

/**
 * Wall seconds that a page stays with one process, beside the time of a call: twice what passes at most between two of its
 * requests. Whoever dies with a page in hand keeps the others from it for no longer.
 */
const heldSeconds = 20;
/** Whoever hears later than this that the page is still its own was frozen: what it heard may not be true any more. */
const heardMs = 5000;

/**
 * Does something that looks at a page and then changes it, in one process at a time: of two that look before either has
 * changed anything, each would leave the components to the other. Before each request the page is kept for another while.
 * @throws PageFailed "away" when another process has the page, or has taken it meanwhile; and what `work` throws.
 */
export async function changing<T>(ctx: Context, page: StatusPage, work: (page: StatusPage) => Promise<T>): Promise<T> {
  const keep = async () => {
    if (!(await take(ctx, page.page)))
      throw new PageFailed({ kind: "away" }, "another server of Muster is telling the page something");
  };
  const turn = async () => {
    await page.turn();
    await keep();
  };
  await keep();
  try {
    return await work({ ...page, turn });
  } finally {
    await giveUpTurn(ctx.db, turnOf(ctx, page.page));
  }
}

/** Takes a page, or keeps it for another while. A process tells the page one thing at a time, so its name is enough. */
async function take(ctx: Context, page: string): Promise<boolean> {
  const askedAt = performance.now();
  const isOurs = await holdTurn(ctx.db, turnOf(ctx, page), heldSeconds + ctx.callTimeoutMs / 1000);
  return isOurs && performance.now() - askedAt < heardMs;
}

const turnOf = ({ worker }: Context, page: string) => ({ duty: `statuspage-change:${page}`, holder: worker });
