// Keyboard shortcuts are data: the page carries the table as JSON (id, keys), elements carry data-shortcut="id".
// Chords only (Alt+…), so that no typed character ever triggers one; "?" works outside of fields.
const table = JSON.parse(document.getElementById("shortcuts")?.textContent || "[]");

function typing(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

export function chord(event) {
  const parts = [];
  if (event.ctrlKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.key === "?" && parts.length === 0) return "?";
  if (event.shiftKey) parts.push("Shift");
  // By the physical key, so that a Russian or Chinese layout works the same.
  const code = event.code.replace(/^(Key|Digit)/, "");
  parts.push(code);
  return parts.join("+");
}

document.addEventListener("keydown", (event) => {
  const pressed = chord(event);
  const entry = table.find((item) => item.keys === pressed);
  if (!entry || (pressed === "?" && typing(event.target))) return;
  const target = document.querySelector(`[data-shortcut="${entry.id}"]:not([disabled])`);
  if (!target) return;
  event.preventDefault();
  if (target.matches("input:not([type=radio]),textarea,select")) target.focus();
  else target.click();
});
