import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { generateSecret, generateURI, verifySync } from "otplib";
import { sql } from "kysely";
import type { Context } from "../context.ts";
import { UserError } from "../errors.ts";

/** Wrong codes in a row before a person is locked out, and for how long, in seconds. */
const triesAllowed = 5;
const lockSeconds = 15 * 60;

/** Whether a person has an authenticator. */
export async function isEnrolled({ db }: Pick<Context, "db">, person: string): Promise<boolean> {
  const { rows } = await sql`select from muster.totp where person = ${person}`.execute(db);
  return rows.length > 0;
}

/**
 * Gives a person a new TOTP secret (RFC 6238: SHA-1, 6 digits, 30 s) and keeps it encrypted. The old one is void.
 * Returns the otpauth:// address to be typed or scanned into an authenticator, once; it is not kept in clear.
 * @throws UserError when MUSTER_KEY is not set, or the person has a secret and `replace` is not said.
 */
export async function enrol(ctx: Context, person: string, replace: boolean): Promise<string> {
  const secret = generateSecret();
  const sealed = seal(needKey(ctx), person, secret);
  const { numAffectedRows } = await sql`
    insert into muster.totp (person, secret) values (${person}, ${sealed})
        on conflict (person) do update set secret = excluded.secret, last_step = 0, tries = 0, locked_until = null,
           enrolled_at = muster.now()
     where ${replace}`.execute(ctx.db);
  if (!numAffectedRows) {
    throw new UserError({
      happened: `${person} is enrolled already.`,
      means: "The secret in their authenticator still counts, and nothing was changed.",
      todo: "Add --replace, and --code with the six digits of the old one, to make a new one and void the old.",
    });
  }
  return generateURI({ issuer: "Muster", label: person, secret });
}

/**
 * Checks a person's code and uses it up. A code counts once; five wrong ones in a row lock the person out for 15 minutes.
 * @throws UserError that says which of these it was.
 */
export async function useCode(ctx: Context, person: string, code: string | undefined): Promise<void> {
  if (code === undefined) throw noCode();
  const key = needKey(ctx);
  const { rows } = await sql<{ secret: Buffer }>`
    update muster.totp set
           tries = case when locked_until is null then tries + 1 else 1 end,
           locked_until = case when locked_until is null and tries + 1 >= ${triesAllowed}
                               then muster.now() + make_interval(secs => ${lockSeconds}) end
     where person = ${person} and (locked_until is null or locked_until <= (select muster.now()))
    returning secret`.execute(ctx.db);
  const row = rows[0];
  if (!row) throw await refusal(ctx, person);
  // An authenticator follows the wall clock, in a lab too.
  const epoch = Math.floor(Date.now() / 1000);
  const secret = openSealed(key, person, row.secret);
  const result = /^\d{6}$/.test(code)
    ? verifySync({ secret, token: code, epoch, epochTolerance: 30 })
    : { valid: false as const };
  if (result.valid) {
    // The time step is claimed in one statement: of two uses of one code, one finds it taken.
    const step = Math.floor(epoch / 30) + result.delta;
    const { numAffectedRows } = await sql`
      update muster.totp set last_step = ${step}, tries = 0, locked_until = null
       where person = ${person} and last_step < ${step}`.execute(ctx.db);
    if (numAffectedRows) return;
  }
  throw new UserError({
    happened: "The code was wrong, or had been used before.",
    means: "Nothing was approved. After five wrong codes in a row you are locked out for 15 minutes.",
    todo: "Wait for the next code of your authenticator and try again.",
  });
}

/** Whoever forgot the code did not guess: that is none of the five tries. */
const noCode = () =>
  new UserError({
    happened: "No code was given.",
    means:
      "Nothing was changed. In a terminal this needs the six digits of the authenticator you got from muster enrol.",
    todo: "Type it again with --code and the six digits.",
  });

async function refusal(ctx: Context, person: string): Promise<UserError> {
  if (!(await isEnrolled(ctx, person))) {
    return new UserError({
      happened: `${person} has no authenticator for the terminal yet.`,
      means: "Nothing was approved.",
      todo: "Run muster enrol once, or approve in Slack.",
    });
  }
  return new UserError({
    happened: `${person} gave five wrong codes in a row.`,
    means: "Nothing was approved, and no code counts for up to 15 minutes.",
    todo: "Wait, or approve in Slack.",
  });
}

function needKey(ctx: Context): Buffer {
  if (ctx.totpKey) return ctx.totpKey;
  throw new UserError({
    happened: "MUSTER_KEY is not set.",
    means: "Codes cannot be kept or checked, so nobody can approve in a terminal. Nothing was changed.",
    todo: "Set MUSTER_KEY to 32 bytes in base64 (openssl rand -base64 32), the same on every machine.",
  });
}

/** AES-256-GCM; the person's name is bound to it, so that rows cannot be swapped. */
function seal(key: Buffer, person: string, text: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(person));
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function openSealed(key: Buffer, person: string, sealed: Buffer): string {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12)).setAAD(Buffer.from(person));
    decipher.setAuthTag(sealed.subarray(12, 28));
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString("utf8");
  } catch (cause) {
    throw new UserError(
      {
        happened: `The secret of ${person} was sealed with another MUSTER_KEY than this one.`,
        means: "The code could not be checked. Nothing was approved.",
        todo: "Set the MUSTER_KEY that the other machines have, or approve in Slack.",
      },
      { cause },
    );
  }
}
