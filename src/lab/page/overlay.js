import { el } from "./dom.js";
import { drawText } from "./mrkdwn.js";

const overlay = document.getElementById("overlay");

/** Puts a card over the page. Escape does what is given. */
export function cover(card, onEscape) {
  overlay.replaceChildren(el("div.veil", {}, card));
  overlay.onkeydown = (event) => event.key === "Escape" && onEscape();
  (card.querySelector("input, textarea, select") ?? card.querySelector("button.primary, button"))?.focus();
}

/** Takes the card away. */
export function uncover() {
  overlay.replaceChildren();
}

/** Asks whether the person is sure where the element says so, then does it. */
export function confirmFirst(confirm, names, deed) {
  if (!confirm) return deed();
  const style = confirm.style === "danger" ? "danger" : "primary";
  const card = el(
    "div.modal.small",
    { role: "alertdialog", ariaLabel: confirm.title.text },
    el("header", {}, el("h2", {}, drawText(confirm.title, names))),
    el("div.modal-body", {}, el("div", {}, drawText(confirm.text, names))),
    el(
      "footer",
      {},
      el("button.btn.plain", { type: "button", onclick: uncover }, drawText(confirm.deny, names)),
      el(
        `button.btn.${style}`,
        { type: "button", onclick: () => (uncover(), deed()) },
        drawText(confirm.confirm, names),
      ),
    ),
  );
  cover(card, uncover);
  return undefined;
}
