// What every page needs: htmx with its event stream, toasts, confirmation, menus, timers, theme.
import "./live.js";
import "./confirm.js";
import "./forms.js";
import "./keep.js";
import { toast } from "./toast.js";

const csrf = document.querySelector("meta[name=csrf-token]")?.content;

document.addEventListener("htmx:config:request", (event) => {
  if (csrf) event.detail.ctx.request.headers["X-CSRFToken"] = csrf;
});

// The session ended while a page was open: say so and keep what was typed; the log-in opens beside it.
document.addEventListener("htmx:response:error", (event) => {
  if (event.detail.ctx?.response?.status === 401) document.getElementById("signed-out")?.showModal();
});
document.addEventListener("htmx:error", (event) => {
  const element = event.detail.ctx?.sourceElement;
  if (element && !element.hasAttribute("data-quiet")) toast(document.body.dataset.unreachable, "danger");
});

// HX-Trigger: {"toast": {...}} from the server.
document.addEventListener("toast", (event) => toast(event.detail.text, event.detail.kind));

// Menus are <details>: close them on a click elsewhere and on Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener(
  "toggle",
  ({ target }) => {
    const body = target.matches?.("details.menu[open]") && target.querySelector(".menu-body");
    if (!body) return;
    body.classList.remove("is-end");
    body.classList.toggle("is-end", body.getBoundingClientRect().right > document.documentElement.clientWidth);
  },
  true, // it does not bubble
);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.getElementById("nav-toggle")?.addEventListener("click", (event) => {
  const open = document.getElementById("nav").classList.toggle("is-open");
  event.currentTarget.setAttribute("aria-expanded", String(open));
});

// Theme "auto" follows the system until the user chose one.
const root = document.documentElement;
if (root.dataset.theme === "auto") {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => (root.dataset.bsTheme = dark.matches ? "dark" : "light");
  dark.addEventListener("change", apply);
  apply();
}

for (const note of document.querySelectorAll("[data-flash]")) toast(note.textContent.trim(), note.dataset.flash);
