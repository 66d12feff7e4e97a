// Labelling desk: choose a call, listen, press the key of what it is, Enter for the next one; undo takes the last back.
// Single characters count only while the focus is within the desk (WCAG 2.2, 2.1.4), by physical key in any layout.
import "./player.js";

const desk = document.querySelector("[data-ear-desk]");
const undoButton = document.querySelector("[data-ear-undo]");
const done = [];

const items = () => [...desk.querySelectorAll("[data-ear-item]")];
const current = () => desk.querySelector("[data-ear-item][aria-current]");
const item = (key) => desk.querySelector(`[data-ear-item="${CSS.escape(key)}"]`);

function choose(button) {
  if (!button) return;
  current()?.removeAttribute("aria-current");
  button.setAttribute("aria-current", "true");
  button.scrollIntoView({ block: "nearest" });
  button.focus({ preventScroll: true });
}

function step(by) {
  const all = items();
  const place = all.indexOf(current());
  all[Math.min(all.length - 1, Math.max(0, place + by))]?.click();
}

function press(code) {
  const key = code.replace(/^(Key|Digit|Numpad)/, "");
  const call = document.querySelector("[data-ear-call]");
  if (key === "ArrowDown" || key === "ArrowUp") step(key === "ArrowDown" ? 1 : -1);
  else if (key === "U") undoButton.click();
  else if (!call) return false;
  else if (key === "Space") call.querySelector("[data-play]").click();
  else if (key === "D") call.querySelector("[data-jump]")?.click();
  else if (key === "Enter") call.querySelector("[data-ear-form]")?.requestSubmit();
  else if (key === "T" && call.querySelector("[data-teach]")) call.querySelector("[data-teach]").click();
  else {
    const choice = call.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!choice) return false;
    choice.checked = true;
  }
  return true;
}

if (desk) {
  desk.addEventListener("click", (event) => choose(event.target.closest("[data-ear-item]")));
  desk.addEventListener("keydown", (event) => {
    const own = event.target.matches("canvas,select,[data-play],[data-jump],a,button:not([data-ear-item])");
    if (event.ctrlKey || event.altKey || event.metaKey || (own && !/^(Key|Digit|Numpad)/.test(event.code))) return;
    if (press(event.code)) event.preventDefault();
  });
}

function show(detail) {
  const mark = item(`${detail.attempt}:${detail.stage}`)?.querySelector("[data-label]");
  if (mark) mark.textContent = detail.text;
}

document.addEventListener("labelled", (event) => {
  const { detail } = event;
  show(detail);
  if (undoing) {
    undoing = false;
    item(`${detail.attempt}:${detail.stage}`)?.click();
  } else {
    done.push(detail);
    step(1);
  }
  undoButton.disabled = !done.length;
});

let undoing = false;
undoButton?.addEventListener("click", () => {
  const last = done.pop();
  if (!last) return;
  undoing = true;
  const values = { attempt_id: last.attempt, stage: last.stage, label: last.previous, untaught: last.announcement };
  window.htmx.ajax("POST", undoButton.dataset.url, { source: undoButton, values, swap: "none" });
});
