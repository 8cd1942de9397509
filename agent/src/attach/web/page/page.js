// The page: puts what is told where it belongs, and does what keys and the mouse ask for.

import { Chart, SPOTS, amount, drawMap, drawPicture } from "./drawing.js";
import { Live } from "./live.js";
import { showAsked, showGame, showGoal, showStep } from "./step.js";
import { Steps } from "./steps.js";
import { showModels, showNotices, showProcesses, showRun } from "./tables.js";

const by = (id) => document.getElementById(id);
const DELAYS_MAX = 1000;

// The token has become a cookie by now, and need not be seen.
history.replaceState(null, "", "/");

let [id, shown, isLost] = [null, 0, null];
let known = {};
let waiting = null;
let lastPicture = null;
const delays = [];
const charts = {
  steps: new Chart(by("charts"), "steps a second", ""),
  overhead_us: new Chart(by("charts"), "overhead of a step", " µs"),
  hp: new Chart(by("charts"), "hit points", " %", 100),
};
const behind = by("charts").appendChild(document.createElement("p"));
behind.className = "small";
for (const [, [name, colour]] of Object.entries(SPOTS).filter(([, [name]]) => name)) {
  const item = by("map-legend").appendChild(document.createElement("li"));
  item.appendChild(document.createElement("i")).style.background = colour;
  item.append(name);
}

const steps = new Steps(async (query) => {
  const answer = await fetch(`/api/steps?game=${shown}&${query}`);
  return answer.ok ? (await answer.json()).steps : [];
}, look);

const live = new Live({
  news: take,
  picture(buffer, taken) {
    const isFirst = waiting === null;
    waiting = { buffer, taken };
    if (isFirst) requestAnimationFrame(drawWaiting);
  },
  lost(why) {
    isLost = why;
    showState();
  },
  found() {
    isLost = null;
    showState();
  },
});

// For whoever measures.
window.pocketpilot = { delays, steps, drop: () => live.socket.close() };

/** Draws the newest picture, unless a step's is looked at: then it waits, and no other is sent. */
function drawWaiting() {
  if (waiting === null || steps.chosen) return;
  const { buffer, taken } = waiting;
  waiting = null;
  lastPicture = buffer;
  const { frame, hash } = drawPicture(by("picture"), buffer);
  by("picture").dataset.hash = hash;
  by("scene-title").textContent = `Picture, frame ${amount(frame)}`;
  note("");
  taken();
}

function note(text) {
  by("picture-note").hidden = !text;
  by("picture-note").textContent = text;
}

/** Takes what changed. */
function take(news) {
  if (news.id !== id || news.shown !== shown) {
    if (news.shown !== shown) return undefined;
    if (id !== null) {
      steps.clear();
      look(null);
      [known, lastPicture] = [{}, null];
      delays.length = 0;
    }
    id = news.id;
  }
  Object.assign(known, news);
  if (news.steps) {
    // What was there before this page is no measure of how fast it is told.
    if (!news.run) news.steps.forEach((row) => delay(Date.now() - Date.parse(row[1])));
    steps.append(news.steps, news.has_gap);
  }
  if (news.run) {
    showRun(news.run, shown, chooseGame);
    const { games } = news.run;
    if (games.length > 0 && !games.includes(shown)) return chooseGame(games[0]);
  }
  if (news.processes) showProcesses(news.processes);
  if (news.models) showModels(news.models);
  if (news.notices) showNotices(news.notices);
  if (news.map) drawMap(by("map"), news.map);
  if (news.charts) showCharts(news.charts);
  if (news.game) showGame(news.game);
  if (!steps.chosen) {
    if (news.step) showStep(news.step);
    if (news.game) showGoal(news.game);
  }
  by("map").hidden = !known.map;
  by("map-note").hidden = Boolean(known.map);
  return showState();
}

function delay(ms) {
  delays.push(ms);
  if (delays.length > DELAYS_MAX) delays.shift();
}

function showCharts(told) {
  charts.steps.draw(told.steps, told.steps_per_s);
  charts.overhead_us.draw(told.overhead_us, told.overhead_us.at(-1));
  charts.hp.draw(told.hp, told.hp.at(-1));
  if (delays.length > 0) {
    const sorted = delays.toSorted((left, right) => left - right);
    const at = (share) => sorted[Math.floor((sorted.length - 1) * share)];
    behind.textContent = `This page is told ${at(0.5)} ms after a step (p50), ${at(0.99)} ms (p99).`;
  }
}

function showState() {
  const { run, game } = known;
  const state = () => {
    if (isLost) return ["not connected", "bad"];
    if (steps.chosen) return ["PAST", "past"];
    if (run?.end) return [`ended, ${run.end}`, ""];
    if (!run) return ["connecting", ""];
    return game?.is_live ? ["LIVE", "live"] : ["no emulator", "bad"];
  };
  const [text, kind] = state();
  if (by("state").textContent !== text) by("state").textContent = text;
  by("state").className = `chip ${kind}`;
  by("trouble").hidden = !isLost;
  if (by("trouble").textContent !== (isLost ?? "")) by("trouble").textContent = isLost ?? "";
  by("now").hidden = !steps.chosen;
  if (!steps.chosen && game && !game.is_live && !by("picture").dataset.hash) {
    note("No live picture: the emulator of this run is not there (any more). Pick a step to see what was kept of it.");
  }
}

let asked = null;

/** Looks at a step, or at what happens now. */
async function look(row) {
  asked?.abort();
  by("side-now").hidden = row !== null;
  by("side-past").hidden = row === null;
  document.body.dataset.mode = row === null ? "now" : "past";
  showState();
  if (row === null) {
    delete by("picture").dataset.hash;
    by("scene-title").textContent = "Picture";
    if (known.step) showStep(known.step);
    showGoal(known.game);
    note("");
    if (lastPicture) by("picture").dataset.hash = drawPicture(by("picture"), lastPicture).hash;
    requestAnimationFrame(drawWaiting);
    showState();
    return;
  }
  asked = new AbortController();
  const { signal } = asked;
  try {
    const answer = await fetch(`/api/step?game=${shown}&step=${row[0]}&at=${row[1]}`, { signal });
    if (!answer.ok) return note(await answer.text());
    const told = await answer.json();
    showStep(told.line);
    showAsked(told);
    by("scene-title").textContent = `Picture of step ${amount(row[0])}`;
    if (!told.has_picture) return note(told.picture_note);
    const picture = await fetch(`/api/picture?game=${shown}&hash=${told.line.frame_hash}`, { signal });
    if (!picture.ok) return note(await picture.text());
    by("picture").dataset.hash = drawPicture(by("picture"), await picture.arrayBuffer()).hash;
    note("");
  } catch (error) {
    if (error.name !== "AbortError") note("The connection to attach is lost.");
  }
}

function chooseGame(game) {
  if (game === shown) return;
  shown = game;
  [known, lastPicture] = [{ run: known.run }, null];
  steps.clear();
  look(null);
  live.show(game);
  if (known.run) showRun(known.run, shown, chooseGame);
}

function changeGame(by) {
  const games = known.run?.games ?? [];
  const place = games.indexOf(shown);
  if (place >= 0) chooseGame(games[(place + by + games.length) % games.length]);
}

function showTab(number) {
  for (let tab = 1; tab <= 4; tab += 1) {
    by(`tab-${tab}`).setAttribute("aria-selected", tab === number);
    by(`panel-${tab}`).hidden = tab !== number;
  }
  if (number === 1) steps.draw();
}

for (let tab = 1; tab <= 4; tab += 1) by(`tab-${tab}`).onclick = () => showTab(tab);
by("now").onclick = () => steps.choose(null);
by("keys").onclick = () => by("help").showModal();
by("go").onsubmit = (event) => {
  event.preventDefault();
  const number = Number.parseInt(by("number").value.replaceAll(/[^0-9]/g, ""), 10);
  by("number").value = "";
  by("number").blur();
  if (Number.isFinite(number)) steps.go(number);
};

const KEYS = {
  ArrowLeft: () => steps.move(-1),
  ArrowUp: () => steps.move(-1),
  ArrowRight: () => steps.move(1),
  ArrowDown: () => steps.move(1),
  PageUp: () => steps.move(-100),
  PageDown: () => steps.move(100),
  Home: () => steps.go(0),
  End: () => steps.choose(null),
  Escape: () => steps.choose(null),
  " ": () => (steps.chosen ? steps.choose(null) : steps.move(0)),
  "[": () => changeGame(-1),
  "]": () => changeGame(1),
  "?": () => by("help").showModal(),
  h: () => by("help").showModal(),
  "/": () => by("number").focus(),
  g: () => by("number").focus(),
  1: () => showTab(1),
  2: () => showTab(2),
  3: () => showTab(3),
  4: () => showTab(4),
};
// What scrolls by these keys where the focus is in it.
const SCROLLING = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "];

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || by("help").open) return;
  const { target, key } = event;
  if (target.matches("input")) {
    if (key === "Escape") target.blur();
    return;
  }
  if (key === " " && target.matches("button, summary")) return;
  if (SCROLLING.includes(key) && target.closest("[data-scrolls], pre")) return;
  const work = KEYS[key];
  if (!work) return;
  event.preventDefault();
  work();
});
