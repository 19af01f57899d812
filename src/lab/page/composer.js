import { el } from "./dom.js";

/** Makes a field for messages. With commands, it completes what starts with a slash. `send` gets the text. */
export function makeComposer(form, { placeholder, commands, send }) {
  let offered = [];
  let chosen = 0;
  const menu = el("ul.completion", { hidden: true, role: "listbox" });
  const input = el("textarea", { rows: 1, ariaLabel: "Message", placeholder: placeholder(), autocomplete: "off" });
  form.replaceChildren(menu, input, el("button.btn.primary.send", { type: "submit", ariaLabel: "Send" }, "↵"));

  function offer() {
    const text = input.value;
    const matches = text.startsWith("/") && !text.includes("\n") ? commands().filter((one) => fits(one, text)) : [];
    offered = matches;
    chosen = Math.min(chosen, Math.max(0, matches.length - 1));
    menu.hidden = matches.length === 0;
    menu.replaceChildren(
      ...matches.map(({ usage, summary }, index) =>
        el(
          `li${index === chosen ? ".chosen" : ""}`,
          {
            role: "option",
            ariaSelected: String(index === chosen),
            onmousedown: (event) => (event.preventDefault(), take(index)),
          },
          el("code", {}, usage),
          el("span", {}, summary),
        ),
      ),
    );
  }

  function take(index) {
    const { name } = offered[index];
    if (!input.value.startsWith(`${name} `)) input.value = `${name} `;
    offer();
    input.focus();
  }

  function submit() {
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    offer();
    grow();
    send(text);
  }

  function grow() {
    input.style.height = "auto";
    if (input.value) input.style.height = `${Math.min(160, input.scrollHeight)}px`;
  }

  input.addEventListener("input", () => (offer(), grow()));
  input.addEventListener("blur", () => (menu.hidden = true));
  input.addEventListener("focus", offer);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const open = !menu.hidden;
    if (open && step) {
      event.preventDefault();
      chosen = (chosen + step + offered.length) % offered.length;
      offer();
    } else if (open && event.key === "Tab") {
      event.preventDefault();
      take(chosen);
    } else if (open && event.key === "Escape") {
      menu.hidden = true;
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      const typed = offered.some(({ name }) => input.value === name || input.value.startsWith(`${name} `));
      if (open && !typed) take(chosen);
      else submit();
    }
  });
  form.addEventListener("submit", (event) => (event.preventDefault(), submit()));
  return {
    refresh: () => (input.placeholder = placeholder()),
    focus: () => input.focus(),
  };
}

/** A command fits while its name is being typed, and afterwards while what follows is written. */
function fits({ name }, text) {
  return name.startsWith(text) || text.startsWith(`${name} `);
}
