import { el } from "./dom.js";
import { confirmFirst } from "./overlay.js";
import { drawText } from "./mrkdwn.js";

/** Draws one thing a person can act on. In a modal's input it is a field, elsewhere it acts at once. */
export function drawElement(element, block, scene) {
  const field = block.type === "input";
  const at = { blockId: block.block_id, actionId: element.action_id };
  const press = (node, option) =>
    confirmFirst(element.confirm, scene.names, async () => {
      node.classList.add("busy");
      node.disabled = true;
      await scene.press(at, option);
      node.classList.remove("busy");
      node.disabled = false;
    });
  return (drawers[element.type] ?? unknown)(element, { ...scene, field, at, press });
}

const unknown = ({ type }) => el("span.unknown", {}, `(${type})`);

const textOf = (object) => object?.text ?? "";

function button(element, { press, names }) {
  const style = element.style ?? "plain";
  return el(
    `button.btn.${style}`,
    { type: "button", onclick: (event) => press(event.currentTarget), title: element.accessibility_label },
    drawText(element.text, names),
  );
}

function optionsOf(element) {
  return (element.option_groups ?? [{ options: element.options }]).flatMap(({ options }) => options ?? []);
}

function select(element, { field, press, at }) {
  const options = optionsOf(element);
  const initial = element.initial_option?.value;
  return el(
    "select",
    {
      name: at.blockId,
      ariaLabel: textOf(element.placeholder) || "Choose",
      onchange: (event) => !field && event.target.value && press(event.target, event.target.value),
    },
    el("option", { value: "" }, textOf(element.placeholder) || "Choose…"),
    options.map((option) =>
      el("option", { value: option.value, selected: option.value === initial }, textOf(option.text)),
    ),
  );
}

function overflow(element, { press, names }) {
  const menu = el("div.menu", { hidden: true });
  const toggle = el(
    "button.btn.plain.more",
    { type: "button", ariaLabel: "More", onclick: () => (menu.hidden = !menu.hidden) },
    "⋯",
  );
  menu.append(
    ...optionsOf(element).map((option) =>
      el(
        "button",
        { type: "button", onclick: () => ((menu.hidden = true), press(toggle, option.value)) },
        drawText(option.text, names),
      ),
    ),
  );
  return el("span.overflow", {}, toggle, menu);
}

function choices(type) {
  return (element, { field, press, at, names }) => {
    const chosen = (element.initial_options ?? [element.initial_option]).map((option) => option?.value);
    return el(
      "div.choices",
      {},
      optionsOf(element).map((option) =>
        el(
          "label",
          {},
          el("input", {
            type,
            name: at.blockId,
            value: option.value,
            checked: chosen.includes(option.value),
            onchange: (event) => !field && press(event.target, option.value),
          }),
          drawText(option.text, names),
        ),
      ),
    );
  };
}

function input(type) {
  return (element, { at }) =>
    el(element.multiline ? "textarea" : "input", {
      ...(element.multiline ? { rows: 4 } : { type }),
      name: at.blockId,
      value: element.initial_value ?? element.initial_date ?? "",
      placeholder: textOf(element.placeholder),
      maxLength: element.max_length ?? 3000,
    });
}

function people(element, { at, names }) {
  return el(
    "select",
    { name: at.blockId },
    el("option", { value: "" }, textOf(element.placeholder) || "Choose…"),
    names.everyone().map(({ id, name }) => el("option", { value: id }, name)),
  );
}

const drawers = {
  button,
  overflow,
  static_select: select,
  multi_static_select: choices("checkbox"),
  users_select: people,
  radio_buttons: choices("radio"),
  checkboxes: choices("checkbox"),
  plain_text_input: input("text"),
  number_input: input("number"),
  email_text_input: input("email"),
  url_text_input: input("url"),
  datepicker: input("date"),
  timepicker: input("time"),
};
