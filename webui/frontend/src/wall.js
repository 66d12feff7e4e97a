// The wallboard's own care: it comes back by itself after any loss, and keeps the screen awake.
const main = document.getElementById("main");
const ASK_MS = 15_000;
const AGAIN_MS = 2_000; // while it is lost
const RELOAD_AFTER_MS = 60_000; // after so long a loss everything is fetched anew, the page itself too
let lostSince = 0;

async function look() {
  try {
    const answer = await fetch("/wall/view", { headers: { "HX-Request": "true" } });
    if (answer.status === 401) location.href = main.dataset.again; // the session is over: it asks who is there
    if (!answer.ok) throw new Error(String(answer.status));
    if (lostSince && performance.now() - lostSince > RELOAD_AFTER_MS) location.reload();
    if (lostSince) document.getElementById("wall").dispatchEvent(new Event("behind")); // what happened meanwhile
    lostSince = 0;
  } catch {
    lostSince ||= performance.now();
  }
  document.documentElement.classList.toggle("wall-is-lost", Boolean(lostSince));
  clearTimeout(next);
  next = setTimeout(look, lostSince ? AGAIN_MS : ASK_MS);
}
let next = setTimeout(look, ASK_MS);
addEventListener("online", look);
addEventListener("offline", look);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());

async function keepAwake() {
  if (document.visibilityState !== "visible") return;
  await navigator.wakeLock?.request("screen").catch(() => null); // refused on battery: the screen's own setting holds
}
document.addEventListener("visibilitychange", keepAwake);
keepAwake();

// F or a double click: the whole screen, as no frame is wanted on a wall.
const whole = () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());
document.addEventListener("dblclick", (event) => !event.target.closest("a") && whole());
