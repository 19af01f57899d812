import type { People } from "./slack-people.ts";
import { labelOf, optionsOf } from "./slack-pressable.ts";
import type { SlackViews, View } from "./slack-views.ts";
import type { Delivery } from "./slack-socket.ts";
import { isJson, type Json } from "./slack-workspace.ts";

/** What a person writes or chooses in a modal, by label, block_id or action_id. */
export type Answers = Record<string, string | string[]>;

/** What came of pressing the button at the foot of a modal. */
export type Submission = {
  /** Absent when Slack itself would not send the form. */
  delivery?: Delivery;
  /** What is shown under each input, by block_id: from Slack or from the app. */
  errors: Record<string, string>;
};

/** Fills in and sends the modals that people have open. */
export class Forms {
  readonly #people: People;
  readonly #views: SlackViews;

  constructor(people: People, views: SlackViews) {
    this.#people = people;
    this.#views = views;
  }

  /** Fills in the modal in front of a person and sends it. @throws Error when none is open */
  async submits(personId: string, answers: Answers = {}): Promise<Submission> {
    const person = this.#people.person(personId);
    const view = this.#front(personId);
    const { values, errors } = fill(view, answers);
    if (Object.keys(errors).length > 0) return { errors };
    const delivery = await this.#people.sendView(person, "view_submission", { ...view, state: { values } });
    if (!delivery.acknowledged) {
      return { delivery, errors: { "": "We had some trouble connecting. Try again?" } };
    }
    return { delivery, errors: this.#follow(personId, view, delivery.answer) };
  }

  /** Closes the modal in front of a person; the app hears of it when it asked to. */
  async closes(personId: string): Promise<void> {
    const view = this.#front(personId);
    this.#views.dismiss(personId, { all: false });
    if (view.notify_on_close) await this.#people.sendView(this.#people.person(personId), "view_closed", view);
  }

  #front(personId: string): View {
    const view = this.#views.of(personId).at(-1);
    if (!view) throw new Error(`${personId} has no modal open`);
    return view;
  }

  #follow(personId: string, view: View, answer: Json): Record<string, string> {
    const action = answer.response_action;
    if (action === "errors") return isJson(answer.errors) ? (answer.errors as Record<string, string>) : {};
    if (action === "update") this.#views.replace({ id: view.id }, answer.view);
    else if (action === "push") this.#views.show(personId, answer.view, { push: true });
    else this.#views.dismiss(personId, { all: action === "clear" });
    return {};
  }
}

function fill(view: View, answers: Answers): { values: Json; errors: Record<string, string> } {
  const values: Record<string, Json> = {};
  const errors: Record<string, string> = {};
  for (const block of view.blocks) {
    if (block.type !== "input" || !isJson(block.element)) continue;
    const { element } = block;
    const name = String(block.block_id);
    const action = String(element.action_id);
    const given = answers[name] ?? answers[action] ?? answers[labelOf({ text: block.label }) ?? ""];
    if ((given === undefined || given.length === 0) && !block.optional && initial(element) === undefined) {
      errors[name] = "Please complete this required field.";
    }
    values[name] = { [action]: { type: element.type, ...state(element, given) } };
  }
  return { values, errors };
}

function initial(element: Json): unknown {
  return element.initial_value ?? element.initial_option ?? element.initial_options ?? element.initial_date;
}

function state(element: Json, given: string | string[] | undefined): Json {
  const chosen = (wanted: string | undefined) =>
    optionsOf(element).find((option) => option.value === wanted || labelOf(option) === wanted) ?? null;
  if (element.type === "static_select" || element.type === "radio_buttons") {
    return { selected_option: given === undefined ? (element.initial_option ?? null) : chosen(String(given)) };
  }
  if (element.type === "checkboxes" || element.type === "multi_static_select") {
    const wanted = given === undefined ? undefined : [given].flat();
    return { selected_options: wanted ? wanted.flatMap((one) => chosen(one) ?? []) : (element.initial_options ?? []) };
  }
  if (element.type === "datepicker") return { selected_date: given ?? element.initial_date ?? null };
  if (element.type === "timepicker") return { selected_time: given ?? element.initial_time ?? null };
  if (element.type === "users_select") return { selected_user: given ?? null };
  return { value: given === undefined || given === "" ? (element.initial_value ?? null) : String(given) };
}
