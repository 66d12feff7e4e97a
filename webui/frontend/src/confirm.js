// What is sent by a form: asked before in a dialog of the page, and never lost while the page changes under the hand.
import htmx from "./htmx.js";
import { toast } from "./toast.js";

const dialog = document.getElementById("confirm");

function ask(text, verb) {
  dialog.querySelector("[data-text]").textContent = text;
  dialog.querySelector("[value=yes]").textContent = verb || dialog.dataset.verb;
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }),
  );
}

// A live part of the page may be drawn anew while somebody reads the question, and its buttons become other buttons.
// So what was meant is noted when it is pressed, and the button that means the same is looked for afterwards.
function meaning(button) {
  const fields = [...new FormData(button.form)].filter(([name]) => name !== "csrf_token");
  const own = ["name", "value", "formaction", "form"].map((name) => button.getAttribute(name));
  return JSON.stringify([button.form.getAttribute("action"), own, fields]);
}

function standing(wanted, button) {
  const means = (one) => one.isConnected && one.form && meaning(one) === wanted;
  return means(button) ? button : [...document.querySelectorAll("button[type=submit]:not(:disabled)")].find(means);
}

document.addEventListener("htmx:confirm", (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail;
  if (!ctx.confirm) return;
  event.preventDefault();
  ask(ctx.confirm, ctx.sourceElement.dataset.verb).then((yes) => (yes ? issueRequest() : dropRequest?.()));
});

// Before the form's own listener, which is htmx's and would send at once.
document.addEventListener(
  "submit",
  async (event) => {
    const button = event.submitter;
    const text = button?.dataset.confirm;
    if (!text || button.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const wanted = meaning(button);
    if (!(await ask(text, button.dataset.verb))) return;
    const now = standing(wanted, button);
    if (!now) {
      toast(document.body.dataset.changed, "danger");
      return;
    }
    now.dataset.confirmed = "1";
    now.form.requestSubmit(now);
    delete now.dataset.confirmed;
  },
  { capture: true },
);

// A key that is quicker than htmx: the form was just put in and is not wired yet. It is wired now and sent again, once.
// Forms that htmx sends at other moments (a preview while one types) are the browser's when they are sent.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const wired = form.hasAttribute("hx-post") && !form.hasAttribute("hx-trigger");
  if (event.defaultPrevented || !wired || form.dataset.again) return;
  event.preventDefault();
  form.dataset.again = "1";
  htmx.process(form);
  form.requestSubmit(event.submitter);
});
