import { isJson, type Json } from "./slack-workspace.ts";

/** Collects what Slack would complain about, each with the place it is at. */
export class Complaints {
  readonly list: string[] = [];

  add(complaint: string, pointer: string): void {
    this.list.push(`${complaint} [json-pointer:${pointer}]`);
  }

  /** Checks a string that must be there and within a length. */
  string(value: unknown, pointer: string, { from = 1, to }: { from?: number; to: number }): void {
    if (typeof value !== "string") return this.add(`missing required field: ${pointer.split("/").at(-1)}`, pointer);
    if (value.length < from) this.add(`must be more than ${from - 1} characters`, pointer);
    if (value.length > to) this.add(`must be less than ${to + 1} characters`, pointer);
  }

  /** Checks a string that may be missing. */
  optional(value: unknown, pointer: string, to: number): void {
    if (value !== undefined) this.string(value, pointer, { from: 0, to });
  }

  /** Checks a list that must be there, and returns what of it can be looked at. */
  items(value: unknown, pointer: string, { from = 1, to }: { from?: number; to: number }): Json[] {
    if (!Array.isArray(value)) {
      this.add(`missing required field: ${pointer.split("/").at(-1)}`, pointer);
      return [];
    }
    if (value.length < from) this.add(`no fewer than ${from} items allowed`, pointer);
    if (value.length > to) this.add(`no more than ${to} items allowed`, pointer);
    return value.filter((item, index): item is Json => {
      if (!isJson(item)) this.add("must provide an object", `${pointer}/${index}`);
      return isJson(item);
    });
  }
}

/** Checks a text object. Labels and titles must be plain text; prose may be either. */
export function checkText(found: Complaints, text: unknown, pointer: string, to: number, plainOnly = false): void {
  if (!isJson(text)) return found.add("must provide an object", pointer);
  if (text.type !== "plain_text" && (plainOnly || text.type !== "mrkdwn")) {
    return found.add(`unsupported type: ${String(text.type)}`, `${pointer}/type`);
  }
  found.string(text.text, `${pointer}/text`, { to });
}

const selects = ["static_select", "multi_static_select", "users_select", "conversations_select", "channels_select"];
const choices: Record<string, { most: number; text: number }> = {
  static_select: { most: 100, text: 75 },
  multi_static_select: { most: 100, text: 75 },
  overflow: { most: 5, text: 75 },
  radio_buttons: { most: 10, text: 75 },
  checkboxes: { most: 10, text: 75 },
};
const inputs = ["plain_text_input", "number_input", "email_text_input", "url_text_input", "datepicker", "timepicker"];

/** Element types that people can act on, by the blocks that may hold them. */
export const actionElements = [
  "button",
  "overflow",
  "radio_buttons",
  "checkboxes",
  "datepicker",
  "timepicker",
  ...selects,
];
export const inputElements = [...inputs, ...selects, "radio_buttons", "checkboxes"];

/** Checks one element that people can act on against Slack's limits. */
export function checkElement(found: Complaints, element: Json, pointer: string, allowed: string[]): void {
  const type = String(element.type);
  if (!allowed.includes(type)) return found.add(`unsupported type: ${type}`, `${pointer}/type`);
  found.optional(element.action_id, `${pointer}/action_id`, 255);
  if (type === "button") checkButton(found, element, pointer);
  if (selects.includes(type) && element.placeholder !== undefined) {
    checkText(found, element.placeholder, `${pointer}/placeholder`, 150, true);
  }
  if (element.confirm !== undefined) checkConfirm(found, element.confirm, `${pointer}/confirm`);
  const limits = choices[type];
  if (!limits) return;
  if (element.option_groups !== undefined && element.options === undefined) {
    const groups = found.items(element.option_groups, `${pointer}/option_groups`, { to: 100 });
    groups.forEach((group, index) => checkOptions(found, group, `${pointer}/option_groups/${index}`, limits));
  } else checkOptions(found, element, pointer, limits);
}

function checkOptions(found: Complaints, holder: Json, pointer: string, limits: { most: number; text: number }): void {
  found.items(holder.options, `${pointer}/options`, { to: limits.most }).forEach((option, index) => {
    checkText(found, option.text, `${pointer}/options/${index}/text`, limits.text);
    found.string(option.value, `${pointer}/options/${index}/value`, { to: 150 });
  });
}

function checkButton(found: Complaints, button: Json, pointer: string): void {
  checkText(found, button.text, `${pointer}/text`, 75, true);
  found.optional(button.value, `${pointer}/value`, 2000);
  found.optional(button.url, `${pointer}/url`, 3000);
  found.optional(button.accessibility_label, `${pointer}/accessibility_label`, 75);
  if (button.style !== undefined && button.style !== "primary" && button.style !== "danger") {
    found.add("must be a valid enum value", `${pointer}/style`);
  }
}

function checkConfirm(found: Complaints, confirm: unknown, pointer: string): void {
  if (!isJson(confirm)) return found.add("must provide an object", pointer);
  checkText(found, confirm.title, `${pointer}/title`, 100, true);
  checkText(found, confirm.text, `${pointer}/text`, 300);
  checkText(found, confirm.confirm, `${pointer}/confirm`, 30, true);
  checkText(found, confirm.deny, `${pointer}/deny`, 30, true);
}
