// The one event stream of the page (htmx's sse extension on #live) and everything that ticks.
import "./htmx.js";
import "htmx.org/dist/ext/hx-sse.js";

const live = () => document.getElementById("live");

function setConnected(on) {
  document.documentElement.classList.toggle("live-lost", !on);
}
document.addEventListener("htmx:sse:after:connection", () => setConnected(true));
document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) document.getElementById("signed-out")?.showModal();
  setConnected(false);
});
document.addEventListener("htmx:sse:close", () => setConnected(false));
document.addEventListener("htmx:sse:before:connection", (event) => {
  if (event.detail.connection.attempt > 0) setConnected(false);
});

// Data of a named event as an object; listeners elsewhere use onLive(name, handler).
export function onLive(name, handler) {
  live()?.addEventListener(name, (event) => handler(JSON.parse(event.detail.data || "{}")));
}

// Timers: <time data-since="unix seconds"> counts up, data-until counts down.
// The box's clock may differ from the browser's: the page carries the box's time of rendering.
const skewMs = (Number(document.body.dataset.now) || Date.now() / 1000) * 1000 - Date.now();

function text(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const minutes = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${minutes}` : minutes;
}

function tick() {
  const now = (Date.now() + skewMs) / 1000;
  for (const item of document.querySelectorAll("[data-since]")) item.textContent = text(now - Number(item.dataset.since));
  for (const item of document.querySelectorAll("[data-until]")) item.textContent = text(Number(item.dataset.until) - now);
}
setInterval(tick, 500);
document.addEventListener("htmx:after:swap", tick);
tick();
