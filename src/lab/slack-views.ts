import { randomBytes } from "node:crypto";
import { blockComplaints } from "./slack-blocks.ts";
import { checkText, Complaints } from "./slack-elements.ts";
import { Refusal } from "./slack-method.ts";
import { isJson, type Json, withIds, type Workspace } from "./slack-workspace.ts";

/** A trigger opens one modal, and only within three seconds on the wall. */
const triggerMilliseconds = 3000;
const mostStacked = 3;
const mostCharacters = 250_000;

export type View = Json & {
  id: string;
  hash: string;
  blocks: Json[];
  callback_id: string;
  state: { values: Json };
};

type Trigger = { person: string; until: number; used: boolean };

/** The modals that people have open, each person's in a stack of at most three. */
export class SlackViews {
  readonly #workspace: Workspace;
  readonly #triggers = new Map<string, Trigger>();
  readonly #stacks = new Map<string, View[]>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** Makes the trigger that goes out with something a person did. */
  newTrigger(person: string): string {
    const id = `${Date.now()}.${this.#workspace.team.id}.${randomBytes(8).toString("hex")}`;
    this.#triggers.set(id, { person, until: performance.now() + triggerMilliseconds, used: false });
    return id;
  }

  /** Lists the modals of a person, the one in front last. */
  of(person: string): readonly View[] {
    return this.#stacks.get(person) ?? [];
  }

  /** Uses up a trigger and tells whose it is. @throws Refusal when it is unknown, used or too old */
  takeTrigger(id: string): string {
    const trigger = this.#triggers.get(id);
    if (!trigger) throw new Refusal("invalid_trigger_id");
    if (trigger.used) throw new Refusal("exchanged_trigger_id");
    if (performance.now() > trigger.until) throw new Refusal("expired_trigger_id");
    trigger.used = true;
    return trigger.person;
  }

  /** Puts a modal in front of a person; pushing keeps those below. @throws Refusal as Slack does */
  show(person: string, given: unknown, { push }: { push: boolean }): View {
    const stack = push ? this.of(person) : [];
    if (stack.length >= mostStacked) throw new Refusal("push_limit_reached");
    const id = `V${randomBytes(5).toString("hex").toUpperCase()}`;
    const below = stack.at(-1);
    const view = this.#complete(given, {
      id,
      root_view_id: stack[0]?.id ?? id,
      previous_view_id: below?.id ?? null,
    });
    this.#stacks.set(person, [...stack, view]);
    this.#workspace.changed();
    return view;
  }

  /** Replaces a modal that is open. @throws Refusal not_found, hash_conflict */
  replace(
    named: { id?: string | undefined; externalId?: string | undefined; hash?: string | undefined },
    given: unknown,
  ): View {
    for (const [person, stack] of this.#stacks) {
      const old = stack.find(
        (view) => view.id === named.id || (named.externalId && view.external_id === named.externalId),
      );
      if (!old) continue;
      if (named.hash && named.hash !== old.hash) throw new Refusal("hash_conflict");
      const { id, root_view_id, previous_view_id } = old;
      const view = this.#complete(given, { id, root_view_id, previous_view_id });
      this.#stacks.set(
        person,
        stack.map((one) => (one === old ? view : one)),
      );
      this.#workspace.changed();
      return view;
    }
    throw new Refusal("not_found");
  }

  /** Takes away the modal in front of a person, or all of them. */
  dismiss(person: string, { all }: { all: boolean }): void {
    this.#stacks.set(person, all ? [] : this.of(person).slice(0, -1));
    this.#workspace.changed();
  }

  #complete(given: unknown, place: Json & { id: string }): View {
    refuseBadView(given);
    const view = given as Json;
    return {
      callback_id: "",
      private_metadata: "",
      external_id: "",
      clear_on_close: false,
      notify_on_close: false,
      close: null,
      submit: null,
      ...view,
      ...place,
      blocks: withIds(view.blocks as Json[]),
      state: { values: {} },
      hash: `${Date.now()}.${randomBytes(4).toString("hex")}`,
      team_id: this.#workspace.team.id,
      app_id: this.#workspace.appId,
      bot_id: this.#workspace.bot.id,
      app_installed_team_id: this.#workspace.team.id,
    };
  }
}

function refuseBadView(view: unknown): void {
  if (!isJson(view)) throw new Refusal("invalid_arguments");
  if (JSON.stringify(view).length > mostCharacters) throw new Refusal("view_too_large");
  const found = new Complaints();
  if (view.type !== "modal") found.add(`unsupported type: ${String(view.type)}`, "/view/type");
  checkText(found, view.title, "/view/title", 24, true);
  for (const field of ["submit", "close"]) {
    if (view[field] !== undefined) checkText(found, view[field], `/view/${field}`, 24, true);
  }
  found.optional(view.private_metadata, "/view/private_metadata", 3000);
  found.optional(view.callback_id, "/view/callback_id", 255);
  found.optional(view.external_id, "/view/external_id", 255);
  const errors = [...found.list, ...blockComplaints(view.blocks, "modal")];
  const hasInput = Array.isArray(view.blocks) && view.blocks.some((block) => isJson(block) && block.type === "input");
  if (hasInput && view.submit === undefined) errors.push("missing required field: submit [json-pointer:/view]");
  if (errors.length === 0) return;
  throw new Refusal("invalid_arguments", {
    response_metadata: { messages: errors.map((error) => `[ERROR] ${error}`) },
  });
}
