import { drawBlocks } from "./blocks.js";
import { act, el } from "./dom.js";
import { drawText } from "./mrkdwn.js";
import { cover, uncover } from "./overlay.js";

let shown;

/** Shows the modal that a person has open, or takes it away. */
export function showView(view, person, names) {
  const state = view && `${person} ${view.id} ${view.hash}`;
  if (state === shown) return;
  shown = state;
  if (!view) return uncover();
  const press = (at, option) => act("press", { person, at: { ...at, viewId: view.id }, option });
  const close = () => act("close", { person });
  const form = el(
    "form.modal",
    { role: "dialog", ariaLabel: view.title.text, onsubmit: (event) => submit(event, view, person) },
    el(
      "header",
      {},
      el("h2", {}, drawText(view.title, names)),
      el("button.icon", { type: "button", ariaLabel: "Close", onclick: close }, "✕"),
    ),
    el("div.modal-body", {}, drawBlocks(view.blocks, { names, press })),
    el("p.error", { role: "alert", data: { form: "true" } }),
    el(
      "footer",
      {},
      el("button.btn.plain", { type: "button", onclick: close }, view.close?.text ?? "Cancel"),
      view.submit && el("button.btn.primary", { type: "submit" }, drawText(view.submit, names)),
    ),
  );
  form.noValidate = true;
  cover(form, close);
}

async function submit(event, view, person) {
  event.preventDefault();
  const form = event.currentTarget;
  const data = new FormData(form);
  const answers = {};
  for (const { block_id, type, element } of view.blocks) {
    if (type !== "input") continue;
    const values = data.getAll(block_id).filter((value) => value !== "");
    const many = element.type === "checkboxes" || element.type === "multi_static_select";
    if (values.length > 0) answers[block_id] = many ? values : values[0];
  }
  const { errors = {} } = await act("submit", { person, answers });
  for (const field of form.querySelectorAll(".field")) {
    field.querySelector(".error").textContent = errors[field.dataset.block] ?? "";
  }
  form.querySelector("[data-form]").textContent = errors[""] ?? "";
}
