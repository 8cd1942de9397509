// Draws: the picture as its pixels say, the map, lines over time, where a step's time went.

const HEAD_BYTES = 24;

// Red 5, green 6, blue 5 bits, as canvases want them.
const RGB565 = new Uint32Array(65536);
for (let value = 0; value < 65536; value += 1) {
  const [red, green, blue] = [value >> 11, (value >> 5) & 63, value & 31];
  const parts = [(red << 3) | (red >> 2), (green << 2) | (green >> 4), (blue << 3) | (blue >> 2)];
  RGB565[value] = (0xff << 24) | (parts[2] << 16) | (parts[1] << 8) | parts[0];
}

let held = null;

/** Draws a picture as the server tells it; gives its frame and hash. */
export function drawPicture(canvas, buffer) {
  const head = new DataView(buffer);
  const [width, height] = [head.getUint16(4, true), head.getUint16(6, true)];
  if (!held || held.width !== width || held.height !== height) {
    held = new ImageData(width, height);
  }
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    canvas.parentElement.style.aspectRatio = `${width} / ${height}`;
  }
  const pixels = new Uint32Array(held.data.buffer);
  if (head.getUint8(1) === 0) {
    const values = new Uint16Array(buffer, HEAD_BYTES);
    for (let place = 0; place < pixels.length; place += 1) pixels[place] = RGB565[values[place]];
  } else {
    const values = new Uint32Array(buffer, HEAD_BYTES);
    for (let place = 0; place < pixels.length; place += 1) {
      const value = values[place];
      pixels[place] = (0xff << 24) | ((value & 0xff) << 16) | (value & 0xff00) | ((value >> 16) & 0xff);
    }
  }
  canvas.getContext("2d").putImageData(held, 0, 0);
  return { frame: Number(head.getBigUint64(8, true)), hash: head.getBigUint64(16, true).toString(16).padStart(16, "0") };
}

/** What the letters of a map mean, and their colours. */
export const SPOTS = {
  "?": ["", "#0c0c10"], "#": ["", "#30323c"], ".": ["", "#969286"], "~": ["water", "#285caa"], ">": ["stairs", "#fa8c14"],
  "^": ["trap", "#be3cbe"], "!": ["item", "#3cdce6"], F: ["foe", "#e62828"], A: ["ally", "#46d25a"], "@": ["leader", "#ffe63c"],
};

/** Draws a map, each tile as a square. */
export function drawMap(canvas, map) {
  const side = 6;
  if (canvas.width !== map.width * side) {
    canvas.width = map.width * side;
    canvas.height = map.height * side;
  }
  const context = canvas.getContext("2d");
  [...map.spots].forEach((letter, place) => {
    context.fillStyle = SPOTS[letter][1];
    context.fillRect((place % map.width) * side, Math.floor(place / map.width) * side, side, side);
  });
}

const SVG = "http://www.w3.org/2000/svg";

/** A line over time with its newest value. */
export class Chart {
  constructor(parent, title, unit, most) {
    this.most = most;
    this.unit = unit;
    const figure = parent.appendChild(document.createElement("div"));
    figure.className = "chart";
    figure.appendChild(document.createElement("span")).textContent = title;
    this.value = figure.appendChild(document.createElement("b"));
    const svg = figure.appendChild(document.createElementNS(SVG, "svg"));
    svg.setAttribute("viewBox", "0 0 100 30");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", title);
    [this.area, this.line] = ["area", "line"].map((name) => {
      const path = svg.appendChild(document.createElementNS(SVG, "path"));
      path.setAttribute("class", name);
      return path;
    });
  }

  draw(values, newest) {
    const most = this.most ?? Math.max(1, ...values);
    const across = 100 / Math.max(1, values.length - 1);
    const points = values.map((value, place) => `${(place * across).toFixed(2)} ${(30 - (28 * value) / most).toFixed(2)}`);
    const line = points.length > 1 ? `M${points.join("L")}` : "";
    this.line.setAttribute("d", line);
    this.area.setAttribute("d", line && `${line}L100 30L0 30Z`);
    const top = this.most || values.length === 0 ? "" : `, at most ${amount(most)}`;
    this.value.textContent = values.length === 0 ? "–" : `${amount(newest)}${this.unit}${top}`;
  }
}

const PARTS = ["capture", "decode", "recall", "route", "skill", "apply"];

/** Draws where a step's time went; what no part claims is the emulator's. */
export function drawLatency(stack, legend, latency) {
  const parts = PARTS.map((name, place) => [name, latency[`${name}_us`] || 0, `c${place + 1}`]);
  const claimed = parts.reduce((sum, part) => sum + part[1], 0);
  parts.push(["game and rest", Math.max(0, latency.total_us - claimed), "c7"]);
  const whole = Math.max(1, claimed, latency.total_us);
  const shown = parts.filter((part) => part[1] > 0);
  stack.replaceChildren(...shown.map(([, us, colour]) => {
    const piece = document.createElement("i");
    piece.className = colour;
    piece.style.width = `${(100 * us) / whole}%`;
    return piece;
  }));
  legend.replaceChildren(...shown.map(([name, us, colour]) => {
    const item = document.createElement("li");
    item.appendChild(document.createElement("i")).className = colour;
    item.append(`${name} `);
    item.appendChild(document.createElement("b")).textContent = time(us);
    return item;
  }));
}

/** Microseconds for a person. */
export function time(us) {
  if (us < 1000) return `${us} µs`;
  return us < 1e6 ? `${(us / 1000).toFixed(us < 1e4 ? 2 : 1)} ms` : `${(us / 1e6).toFixed(2)} s`;
}

/** A number for a person. */
export function amount(number) {
  return Number.isInteger(number) ? number.toLocaleString("en") : number.toFixed(1);
}
