// Editors: lists that are sorted by dragging or by keyboard, items that come and go, texts with places to put in.
import { ask } from "./script.js";

const list = (node) => node.closest("[data-sort]");

function sorted(node) {
  const form = node.closest("form");
  form?.dispatchEvent(new Event("change", { bubbles: true }));
  form?.dispatchEvent(new Event("sorted"));
}

function move(item, by) {
  const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (by < 0) other.before(item);
  else other.after(item);
  item.querySelector("[data-grip]")?.focus();
  sorted(item);
}

document.addEventListener("keydown", (event) => {
  const item = event.target.closest("[data-sort] > [data-item]");
  if (!item || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  move(item, event.key === "ArrowUp" ? -1 : 1);
});

let dragged = null;
document.addEventListener("dragstart", (event) => {
  const grip = event.target.closest?.("[data-grip]");
  if (!grip) return;
  dragged = grip.closest("[data-item]");
  dragged.classList.add("is-dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", "");
  event.dataTransfer.setDragImage(dragged, 16, 16);
});
document.addEventListener("dragover", (event) => {
  if (!dragged) return;
  const over = event.target.closest?.("[data-item]");
  if (list(dragged) !== event.target.closest?.("[data-sort]")) return;
  event.preventDefault();
  if (!over || over === dragged || list(over) !== list(dragged)) return;
  const box = over.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) over.before(dragged);
  else over.after(dragged);
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("is-dragged");
  sorted(dragged);
  dragged = null;
});

let added = Date.now();
document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-item]");
  if (add) {
    const to = document.getElementById(add.dataset.addItem);
    const made = document.createElement("template");
    added += 1;
    made.innerHTML = document.getElementById(`${add.dataset.addItem}-item`).innerHTML.replaceAll("__n__", `n${added}`);
    to.append(made.content);
    const item = to.lastElementChild;
    fit(item);
    item.querySelector("input:not([type=hidden]), textarea, select")?.focus();
    sorted(item);
  }
  const remove = event.target.closest("[data-remove-item]");
  if (remove) {
    const item = remove.closest("[data-item]");
    const next = item.nextElementSibling ?? item.previousElementSibling;
    const form = item.closest("form");
    item.remove();
    (next?.querySelector("[data-grip]") ?? form?.querySelector("[data-add-item]"))?.focus();
    if (form) sorted(next ?? form);
  }
  const put = event.target.closest("[data-insert]");
  if (put) insert(document.getElementById(put.dataset.into), put.dataset.insert);
});

// A placeholder is chosen from a list and goes where the cursor is.
document.addEventListener("change", (event) => {
  if (event.target.matches("select[data-into]") && event.target.value) {
    insert(document.getElementById(event.target.dataset.into), event.target.value);
    event.target.value = "";
  }
  fit(event.target.closest("[data-item]") ?? document);
});

function insert(area, text) {
  const plain = text.replaceAll("\\n", "\n");
  area.focus();
  area.setRangeText(plain, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

// What goes with a kind is shown with that kind only.
function fit(root) {
  for (const kind of root.querySelectorAll("[data-kind]")) {
    for (const part of kind.closest("[data-item]").querySelectorAll("[data-kinds-of]")) {
      part.hidden = !part.dataset.kindsOf.split(" ").includes(kind.value);
    }
  }
}
fit(document);
document.addEventListener("htmx:after:swap", () => fit(document));

// In the preview of a form the questions follow the answers, as at the desk.
function follow() {
  for (const form of document.querySelectorAll("[data-asks]")) ask(form);
}
document.addEventListener("input", follow);
document.addEventListener("htmx:after:swap", follow);
follow();
