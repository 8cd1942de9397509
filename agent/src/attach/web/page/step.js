// A step: what was done, why, how the game stood, where the time went; of one that is looked at, also what was asked and answered.

import { amount, drawLatency, drawMap, time } from "./drawing.js";

const by = (id) => document.getElementById(id);
const put = (id, text) => {
  const element = by(id);
  if (element.textContent !== String(text)) element.textContent = text;
};

/** Shows what the line of a step says. */
export function showStep(line) {
  put("step-number", amount(line.step));
  put("step-time", `${line.ts.slice(0, 10)} ${line.ts.slice(11, 23)} UTC`);
  put("action", line.action || "nothing");
  put("reason", line.reason || "");
  put("skill", `${line.skill || "none"}${line.skill_version ? ` ${line.skill_version}` : ""}`);
  put("effect", line.effect);
  put("pressed", `${line.keys || "none"}${line.keys_seen === false ? " (the game did not see them)" : ""}`);
  const sure = line.confidence === null ? "" : `, sure ${line.confidence.toFixed(2)}`;
  const model = line.tier ? `tier ${line.tier} (${line.source ?? "model"})` : line.brain;
  put("decided", `${model}${line.fallback ? `; no model: ${line.fallback}` : ""}; eyes: ${line.eyes}${sure}`);
  put("took", `${time(line.latency.total_us)}, ${time(line.latency.overhead_us)} overhead`);
  drawLatency(by("latency"), by("latency-parts"), line.latency);
  const recalled = line.recalled.length > 0 ? ` · memories ${line.recalled.join(", ")}` : "";
  put("hashes", `frame ${line.frame} · pixels ${line.frame_hash} · memory ${line.ram_hash}${recalled}`);
  showState(line.state);
}

function showState({ floor, x, y, hp, max_hp, belly, turns }) {
  const isThere = floor > 0;
  put("floor", isThere ? floor : "–");
  put("place", isThere ? `${x}, ${y}` : "–");
  put("turns", amount(turns));
  gauge("hp", isThere ? `${hp}/${max_hp}` : "–", hp / Math.max(1, max_hp));
  gauge("belly", isThere ? belly : "–", belly / 100);
}

function gauge(id, text, share) {
  put(id, text);
  const bar = by(`${id}-bar`);
  bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  bar.classList.toggle("low", share < 0.3);
}

/** Shows what a game is after. */
export function showGame(game) {
  put("floors", game.floors);
  put("lives", game.lives);
}

/** Shows the goal, of what happens now. */
export function showGoal(game) {
  put("goal", game?.goal || "–");
}

/** Shows what was asked and answered at a step, and what could have been chosen. */
export function showAsked({ line, exchanges, exchange_note, account, map, decided }) {
  by("exchange-note").hidden = !exchange_note;
  put("exchange-note", exchange_note);
  put("goal", goalOf(decided));
  by("then").hidden = !map;
  if (map) drawMap(by("map-then"), map);
  by("exchanges").replaceChildren(...exchanges.map((told) => exchange(told, line)));
  by("account").replaceChildren(...(account ? [offers(account), before(account)] : []));
}

function goalOf(decided) {
  if (!decided) return "–";
  return `${decided.goal ? `${decided.goal}: ` : ""}${decided.reason} (since step ${amount(decided.step)})`;
}

function element(name, text, parent) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
}

function exchange(told, line) {
  const article = element("article");
  const when = told.step === line.step ? "" : `, asked at step ${amount(told.step)}`;
  element("h3", `${told.tier} (${told.model}): ${told.outcome}${when}`, article);
  element("h3", told.reason ? `answer (${told.reason})` : "answer", article);
  element("pre", told.answer || "none", article).tabIndex = 0;
  if (told.reasoning) fold("thought", told.reasoning, true, article);
  for (const message of told.prompt ?? []) {
    const pictures = message.pictures ? `, with ${message.pictures} picture${message.pictures === 1 ? "" : "s"}` : "";
    fold(`told as ${message.role}${pictures}`, message.text, message.role !== "system", article);
  }
  return article;
}

function fold(title, text, isOpen, parent) {
  const fold = element("details", undefined, parent);
  fold.open = isOpen;
  element("summary", title, fold);
  element("pre", text, fold).tabIndex = 0;
}

function offers(account) {
  const article = element("article");
  element("h3", "What offered itself", article);
  if (account.offers.length === 0) element("p", "nothing", article).className = "note";
  for (const offer of account.offers) {
    const row = element("div", undefined, article);
    row.className = `offer${offer.skill === account.acted ? " taken" : ""}`;
    element("span", offer.skill === account.acted ? `${offer.skill} (acted)` : offer.skill, row);
    element("span", `priority ${offer.priority}`, row);
    element("small", `because ${offer.why}`, row);
  }
  return article;
}

function before(account) {
  const article = element("article");
  element("h3", "What was done before", article);
  const lines = account.outcomes.map(({ step, skill, action, effect }) => `${step}  ${skill}: ${action} → ${effect}`);
  element("pre", lines.join("\n") || "nothing", article).tabIndex = 0;
  if (account.memories.length > 0) {
    element("h3", "Recalled", article);
    element("pre", account.memories.join("\n"), article).tabIndex = 0;
  }
  return article;
}
