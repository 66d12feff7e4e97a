// The agent's page: shortcuts, the announcement of a connected call, the note that survives a reload.
import "./shortcuts.js";

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

// What is typed is kept by conversation until it is sent.
const key = (form) => `draft:${form.dataset.conversation}`;

function restore() {
  const form = document.getElementById("dispose");
  if (!form || form.dataset.restored) return;
  form.dataset.restored = "1";
  const saved = JSON.parse(localStorage.getItem(key(form)) || "{}");
  for (const [name, value] of Object.entries(saved)) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "radio") field.checked = field.value === value;
      else if (!field.value) field.value = value;
    }
  }
  follow(form);
}

// Fields of a follow-up (time of the call back, promise) show only for the dispositions that need them.
function follow(form) {
  const chosen = form.querySelector("input[name=disposition]:checked")?.value;
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== chosen;
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("#dispose");
  if (!form) return;
  follow(form);
  const values = {};
  for (const [name, value] of new FormData(form)) if (name !== "csrf_token") values[name] = value;
  localStorage.setItem(key(form), JSON.stringify(values));
});
document.addEventListener("disposed", (event) => localStorage.removeItem(`draft:${event.detail.conversation}`));
document.addEventListener("htmx:after:swap", restore);
restore();
