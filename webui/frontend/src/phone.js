// The browser phone: JsSIP over wss://<box>/phone. The box calls this seat and the phone answers by itself.
import JsSIP from "jssip";
import { toast } from "./toast.js";

const RELOAD = 'Reason: X-Callbox;text="reload"';
const holder = document.getElementById("phone");
const sound = document.getElementById("phone-sound");
let agent = null;
let session = null;

function show(state) {
  holder.dataset.state = state;
  for (const label of holder.querySelectorAll("[data-when]")) label.hidden = label.dataset.when !== state;
}

async function credentials() {
  const answer = await fetch(holder.dataset.credentials, {
    method: "POST",
    headers: { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content, Accept: "application/json" },
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function play(connection) {
  connection.addEventListener("track", (event) => {
    sound.srcObject = event.streams[0] ?? new MediaStream([event.track]);
    sound.play().catch(() => show("blocked"));
  });
}

function take({ originator, session: call }) {
  if (originator !== "remote") return;
  if (session) {
    call.terminate({ status_code: 486 });
    return;
  }
  session = call;
  call.on("peerconnection", (event) => play(event.peerconnection));
  // Host candidates suffice on the box's own network: do not wait for the gathering to end.
  call.on("icecandidate", (event) => event.ready());
  for (const name of ["ended", "failed"]) {
    call.on(name, () => {
      session = null;
      show(agent.isRegistered() ? "ready" : "lost");
      askAgain();
    });
  }
  call.on("accepted", () => show("talking"));
  call.on("peerconnection", ({ peerconnection }) => {
    // A network that was away for long: the sound does not come back by itself, the box is asked for a new leg.
    peerconnection.addEventListener("connectionstatechange", () => {
      if (peerconnection.connectionState === "failed" && session === call) call.terminate({ extraHeaders: [RELOAD] });
    });
  });
  call.answer({ mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } });
}

// The page was loaded anew, or the network was away, in the middle of a call: the call goes on, and this phone is called
// into it again. Asked a moment later, since a call that is over tells the screen so first.
const AGAIN_MS = 1500;
let asking = 0;
function askAgain() {
  clearTimeout(asking);
  asking = setTimeout(async () => {
    const talking = document.querySelector("#bar.state-talking");
    if (!talking || session || !agent?.isRegistered()) return;
    show("again");
    const answer = await fetch(holder.dataset.again, {
      method: "POST",
      headers: { "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content, "HX-Request": "true" },
    }).catch(() => null);
    if (!answer?.ok) show("ready");
    if (!answer) askAgain();
  }, AGAIN_MS);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-hangup]")) session?.terminate();
  if (event.target.closest("[data-unblock]")) sound.play().then(() => show(session ? "talking" : "ready"));
});

async function start() {
  show("connecting");
  try {
    // The microphone is asked for once, before the first call, so that answering needs no click.
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    stream.getTracks().forEach((track) => track.stop());
  } catch {
    show("no-microphone");
    return;
  }
  let given;
  try {
    given = await credentials();
  } catch {
    show("lost");
    setTimeout(start, 5000);
    return;
  }
  JsSIP.debug.disable("JsSIP:*");
  agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(`wss://${location.host}/phone`)],
    uri: `sip:${given.user}@${given.realm}`,
    authorization_user: given.user,
    realm: given.realm,
    password: given.password,
    register_expires: 60,
    session_timers: false,
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 8,
    user_agent: "Callbox",
  });
  agent.on("registered", () => {
    show(session ? "talking" : "ready");
    askAgain();
  });
  agent.on("unregistered", () => show("lost"));
  agent.on("disconnected", () => show("lost"));
  agent.on("registrationFailed", renew);
  agent.on("newRTCSession", take);
  agent.start();
}

// The password given to a browser lives only for a while; a refused registration asks for a fresh one.
let renewing = false;
async function renew() {
  show("lost");
  if (renewing) return;
  renewing = true;
  try {
    const given = await credentials();
    agent.set("password", given.password);
    agent.set("ha1", null);
    setTimeout(() => agent.register(), 1000);
  } catch (error) {
    if (error.message === "403") toast(holder.dataset.refused, "danger");
  } finally {
    setTimeout(() => (renewing = false), 3000);
  }
}

// Says that it is a reload and no hang-up: the box keeps the customer for a while.
addEventListener("pagehide", () => {
  if (session?.isEstablished()) session.terminate({ extraHeaders: [RELOAD] });
  agent?.stop();
});
if (holder) start();
