import { clockTime, el, folding } from "./dom.js";

/** Draws who got which mail: a box for each person, newest mail first. */
export function drawMailboxes(mailboxes) {
  return el(
    "section.card.mailboxes",
    { ariaLabel: "Mailboxes" },
    el("h2", {}, "Mailboxes"),
    mailboxes.map(({ person, address, count, mails }) =>
      folding(
        `box ${person}`,
        [el("strong", {}, person), el("span", {}, ` ${address}`), el("span.count", {}, String(count))],
        mails.length === 0
          ? el("p.none", {}, "No mail yet.")
          : mails.map((mail) =>
              folding(
                `mail ${person} ${mail.key}`,
                [el("time", {}, clockTime(mail.at)), el("span", {}, ` ${mail.subject}`)],
                el("pre", {}, mail.text),
              ),
            ),
      ),
    ),
  );
}
