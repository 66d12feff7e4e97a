// The agent's page: shortcuts, the announcement of a connected call, the note that survives a reload.
import htmx from "./htmx.js";
import { ask } from "./script.js";
import "./customer.js";
import { chord } from "./shortcuts.js";

const desk = document.getElementById("desk");
const announce = document.getElementById("announce");
let conversation = desk?.dataset.conversation || "";

// Read off what is shown, not off the event: the screen may have learnt of the call by catching up.
function noticeCall() {
  const talking = document.querySelector("#bar.state-talking");
  const shown = document.getElementById("dispose")?.dataset.conversation || "";
  if (talking && shown && shown !== conversation) {
    conversation = shown;
    announce.textContent = ""; // the same words again are only read out when they are new
    requestAnimationFrame(() => (announce.textContent = announce.dataset.text));
  }
  document.title = `${talking ? "● " : ""}${document.body.dataset.title}`;
}
document.addEventListener("htmx:after:swap", noticeCall);

// What is typed is kept twice: at once in this browser, a moment later on the box (so that another browser has it).
const key = (form) => `draft:${form.dataset.conversation}`;
const KEEP_MS = 800;
const AGAIN_MS = 5000;
let keeping = 0;

function typed(form) {
  return [...new FormData(form)].filter(([name]) => name !== "csrf_token");
}

function restore() {
  const form = document.getElementById("dispose");
  if (!form || form.dataset.restored) return;
  form.dataset.restored = "1";
  const saved = JSON.parse(localStorage.getItem(key(form)) || "[]");
  const fields = [...form.elements].filter((field) => field.name && field.type !== "hidden");
  for (const [name, value] of Array.isArray(saved) ? saved : []) {
    for (const field of fields.filter((one) => one.name === name)) {
      if (field.type === "radio" || field.type === "checkbox") field.checked = field.checked || field.value === value;
      else field.value = value;
    }
  }
  if (form.elements.other_number.value) document.getElementById("other").open = true;
  follow(form);
}

// Fields of a follow-up (time of the call back, promise) show only for the dispositions that need them, questions of the
// campaign's form only when the one they hang on is answered so.
function follow(form) {
  const chosen = form.querySelector("input[name=disposition]:checked")?.value ?? "";
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== chosen;
  ask(form);
  suggest("disposition", chosen);
}

// The knowledge base suggests by what is chosen and by the step of the script that is read.
function suggest(name, value) {
  const field = document.querySelector(`#articles-for [name=${name}]`);
  if (!field || field.value === value) return;
  field.value = value;
  const words = document.getElementById("knowledge");
  if (!words.value.trim()) htmx.trigger(words, "suggest");
}

async function keep(form) {
  const note = document.getElementById("kept");
  try {
    const answer = await fetch(form.dataset.draft, {
      method: "POST",
      body: new URLSearchParams(typed(form)),
      headers: { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content, "HX-Request": "true" },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    if (note) note.textContent = note.dataset.kept;
  } catch (error) {
    if (note) note.textContent = note.dataset.failed;
    const lost = !/^4/.test(error.message); // refused for good: the browser keeps it all the same
    if (lost && form.isConnected) keeping = setTimeout(keep, AGAIN_MS, form);
  }
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("#dispose");
  if (!form) return;
  if (event.target.id === "find-result") {
    find(event.target.value);
    return;
  }
  follow(form);
  localStorage.setItem(key(form), JSON.stringify(typed(form)));
  document.getElementById("kept").textContent = "";
  clearTimeout(keeping);
  keeping = setTimeout(keep, KEEP_MS, form);
});
document.addEventListener("disposed", (event) => {
  clearTimeout(keeping);
  localStorage.removeItem(`draft:${event.detail.conversation}`);
});
document.addEventListener("htmx:after:swap", restore);
restore();

// A result by its first letters: what does not fit is hidden, Enter chooses the first that is left.
function find(text) {
  const wanted = text.trim().toLocaleLowerCase();
  for (const choice of document.querySelectorAll("#results .choice")) {
    const name = choice.querySelector("span").textContent.trim().toLocaleLowerCase();
    choice.hidden = !name.split(/\s+/).some((word) => word.startsWith(wanted)) && !name.startsWith(wanted);
  }
}
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "find-result" || !["Enter", "Escape"].includes(event.key)) return;
  event.preventDefault();
  if (event.key === "Enter") document.querySelector("#results .choice:not([hidden]) input")?.click();
  event.target.value = "";
  find("");
  if (event.key === "Enter") document.getElementById("note").focus();
});

// The knowledge base follows the step of the script.
document.addEventListener("step", (event) => suggest("step", event.detail));

document.addEventListener("transferred", () => document.getElementById("transfer")?.close());

// Own keys: the field takes the chord that is pressed.
document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-chord]") || ["Tab", "Shift", "Alt", "Control", "Enter"].includes(event.key)) return;
  event.preventDefault();
  event.target.value = ["Backspace", "Delete"].includes(event.key) ? "" : chord(event);
});
