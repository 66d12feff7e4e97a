// One place for short messages; errors stay until closed, the rest goes after some seconds.
const STAY_MS = 6000;

export function toast(text, kind = "success") {
  const box = document.getElementById("toasts");
  if (!box || !text) return;
  const template = document.getElementById("toast");
  const item = template.content.firstElementChild.cloneNode(true);
  item.classList.add(`is-${kind}`);
  item.querySelector("[data-text]").textContent = text;
  item.querySelector("button").addEventListener("click", () => item.remove());
  box.append(item);
  if (kind !== "danger") setTimeout(() => item.remove(), STAY_MS);
}
