// What is shown as tables: processes, models and caches, notices; and the lines above: the run, its games, alerts.

import { amount, time } from "./drawing.js";

const by = (id) => document.getElementById(id);
// Alerts that somebody has read, by their names; one that says something else is shown again.
const hidden = new Map();

function table(head, rows) {
  const table = document.createElement("table");
  const cell = (row, name, text, isNumber) => {
    const made = row.appendChild(document.createElement(name));
    made.textContent = text;
    if (isNumber) made.className = "number";
  };
  const first = table.createTHead().insertRow();
  head.forEach(([title, isNumber]) => cell(first, "th", title, isNumber));
  const body = table.createTBody();
  for (const { cells, kind } of rows) {
    const row = body.insertRow();
    if (kind) row.className = kind;
    cells.forEach((text, place) => cell(row, "td", text, head[place][1]));
  }
  return table;
}

function badge(id, text) {
  by(id).textContent = text;
  by(id).hidden = !text;
}

export function showProcesses(processes) {
  const rows = processes.map(({ role, game, pid, life, restarts, resident_bytes, busy_permille, state }) => ({
    cells: [game ? `${role} ${game}` : role, pid, life, restarts, `${(resident_bytes / 2 ** 20).toFixed(1)} MiB`,
      `${(busy_permille / 10).toFixed(1)} %`, state],
    kind: state.startsWith("died") ? "error" : state.startsWith("no progress") ? "warn" : "",
  }));
  const head = [["process"], ["id", true], ["life", true], ["restarts", true], ["memory", true], ["processor", true], ["state"]];
  by("panel-2").replaceChildren(table(head, rows));
  const dead = processes.filter(({ state }) => state.startsWith("died")).length;
  const restarts = processes.reduce((sum, process) => sum + process.restarts, 0);
  badge("badge-2", dead ? `${dead} died` : restarts ? `${restarts} restarted` : "");
}

export function showModels(models) {
  const total = Object.values(models.sources).reduce((sum, count) => sum + count, 0);
  const sources = Object.entries(models.sources).map(([source, count]) => ({
    cells: [source, amount(count), `${total ? ((100 * count) / total).toFixed(1) : 0} %`],
  }));
  const columns = document.createElement("div");
  columns.className = "columns";
  if (total === 0 && models.tiers.length === 0) {
    const note = columns.appendChild(document.createElement("p"));
    note.className = "note";
    note.textContent = "No model is asked in this run (--brain router asks one).";
  } else {
    const figures = [
      ["caches hit", `${(models.hit_rate * 100).toFixed(1)} %`], ["questions wait", models.waiting],
      ["question to answer, p50", time(models.took_us[0])], ["question to answer, p99", time(models.took_us[1])],
    ];
    columns.append(
      table([["decisions from"], ["count", true], ["share", true]], sources),
      table([["tier"], ["answered", true], ["not", true], ["last", true]],
        models.tiers.map(({ tier, answered, others, last_us }) => ({ cells: [tier, amount(answered), amount(others), time(last_us)] }))),
      table([["router"], ["", true]], figures.map((cells) => ({ cells }))),
    );
  }
  by("panel-3").replaceChildren(columns);
}

export function showNotices(notices) {
  const rows = notices.toReversed().map(([ts, level, event, text]) => ({
    cells: [ts.slice(11, 19), event, text], kind: level === "info" ? "" : level,
  }));
  by("panel-4").replaceChildren(table([["time"], ["event"], ["what happened, the newest first"]], rows));
  const bad = notices.filter((notice) => notice[1] === "error").length;
  badge("badge-4", bad ? `${bad} errors` : "");
}

export function showRun(run, shown, choose) {
  by("name").textContent = run.name;
  by("what").textContent = `${run.what}${run.resumed ? `, resumed ${run.resumed === 1 ? "once" : `${run.resumed} times`}` : ""}`;
  by("what").title = by("what").textContent;
  document.title = `${run.name} · PocketPilot`;
  const alerts = by("alerts");
  const told = run.alerts.map(({ game, alert, detail }) => ({
    alert: `${run.games.length > 1 && game !== null ? `game ${game}: ` : ""}${alert}`, detail,
  })).filter(({ alert, detail }) => hidden.get(alert) !== detail);
  alerts.hidden = told.length === 0;
  alerts.replaceChildren(...told.map(({ alert, detail }) => {
    const item = document.createElement("li");
    const text = item.appendChild(document.createElement("span"));
    text.appendChild(document.createElement("b")).textContent = `${alert}: `;
    text.append(detail);
    const button = item.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = "hide";
    button.setAttribute("aria-label", `hide the alert: ${alert}`);
    button.onclick = () => {
      hidden.set(alert, detail);
      showRun(run, shown, choose);
    };
    return item;
  }));
  const games = by("games");
  games.hidden = run.games.length < 2;
  games.replaceChildren(...(games.hidden ? [] : run.games.map((game) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `game ${game}`;
    button.setAttribute("aria-pressed", game === shown);
    button.onclick = () => choose(game);
    return button;
  })));
}
