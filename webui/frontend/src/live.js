// The one event stream of the page (htmx's sse extension on #live) and everything that ticks.
import htmx from "./htmx.js";
import "htmx.org/dist/ext/hx-sse.js";

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

// A live element fetches itself again at its events (hx-trigger "agent from:#live, …, behind"). An event that comes just
// while the element is being swapped finds nobody listening. So it is noted when each event came and which request each
// element shows; an element that is behind is told so, and no screen stays old for longer than half a second.
const heard = {}; // event -> when it last came
const began = new WeakMap(); // request -> when it began (one that replaces another must not lend it its time)
const asked = {}; // element id -> when its last request began; 0 when that is over
const shown = {}; // element id -> when the request began whose answer it shows
const ANSWER_MS = 3000; // a request that takes longer is not waited for

const idOf = (event) => event.detail.ctx?.sourceElement?.id;
document.addEventListener("htmx:before:request", (event) => {
  began.set(event.detail.ctx, (asked[idOf(event)] = performance.now()));
});
document.addEventListener("htmx:after:request", (event) => {
  // the answer for an element that has been replaced meanwhile is shown nowhere
  if (event.detail.ctx.sourceElement?.isConnected) shown[idOf(event)] = began.get(event.detail.ctx);
});
document.addEventListener("htmx:finally:request", (event) => {
  if (asked[idOf(event)] === began.get(event.detail.ctx)) asked[idOf(event)] = 0;
});

function catchUp() {
  const now = performance.now();
  for (const element of document.querySelectorAll("[hx-trigger*=behind]")) {
    const names = [...element.getAttribute("hx-trigger").matchAll(/(\S+) from:/g)].map((found) => found[1]);
    for (const name of names) {
      if (name in heard) continue;
      heard[name] = 0;
      document.addEventListener(name, () => (heard[name] = performance.now()), true);
    }
    const id = element.id;
    const waits = (asked[id] ?? 0) > (shown[id] ?? 0) && now - asked[id] < ANSWER_MS;
    if (!waits && names.some((name) => heard[name] > (shown[id] ?? 0))) htmx.trigger(element, "behind");
  }
}
setInterval(catchUp, 500);
catchUp();

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
