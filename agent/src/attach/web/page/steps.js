// The list of steps: any part of the run, a bounded piece of it at a time, of which those in sight are elements.

const ROW_PX = 24;
const ROWS_MAX = 1500;
const PAGE = 200;
const BEYOND = 4;

export class Steps {
  /** `fetched(query)` gives rows; `chosen(row)` is told of a choice, none for what happens now. */
  constructor(fetched, chosen) {
    this.fetched = fetched;
    this.told = chosen;
    this.list = document.getElementById("steps");
    this.all = document.getElementById("steps-all");
    this.seen = document.getElementById("steps-seen");
    this.count = document.getElementById("count");
    this.pool = [];
    this.work = Promise.resolve();
    this.list.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.list);
    this.seen.addEventListener("click", (event) => {
      const row = this.rows[Number(event.target.closest(".row")?.dataset.place)];
      if (row) this.choose(row);
    });
    this.clear();
  }

  /** Nothing is known. */
  clear() {
    this.rows = [];
    this.chosen = null;
    this.newest = 0;
    // Whether the last row is the newest step, and the first one the run's first.
    [this.hasEnd, this.hasStart] = [true, false];
    this.draw();
  }

  /** Steps that were just played. */
  append(rows, hasGap) {
    const last = this.rows.at(-1);
    const fresh = last && this.hasEnd ? rows.filter((row) => row[1] > last[1]) : rows;
    if (rows.length > 0) this.newest = rows.at(-1)[0];
    if (!this.hasEnd) return this.draw();
    if (fresh.length > 0 && hasGap && last && fresh[0][0] !== last[0] + 1) {
      if (this.chosen) this.hasEnd = false;
      else [this.rows, this.hasStart] = [fresh, false];
    } else if (this.chosen && this.rows.length + fresh.length > ROWS_MAX) {
      this.hasEnd = false;
    } else {
      this.rows.push(...fresh);
      const over = this.rows.length - ROWS_MAX;
      if (over > 0) {
        this.rows.splice(0, over);
        this.hasStart = false;
      }
    }
    return this.draw();
  }

  /** Looks at a step; at what happens now without one. */
  choose(row) {
    this.chosen = row;
    if (row === null && !this.hasEnd) {
      [this.rows, this.hasEnd, this.hasStart] = [[], true, false];
      this.later(async () => {
        const rows = await this.fetched(`count=${PAGE}`);
        const known = new Set(rows.map((row) => row[1]));
        this.rows = [...rows, ...this.rows.filter((row) => !known.has(row[1]))];
        this.draw();
      });
    }
    this.told(row);
    this.draw(true);
  }

  /** One thing after the other, so that keys that come fast are not lost. */
  later(work) {
    this.work = this.work.then(work).catch((error) => console.warn(error));
    return this.work;
  }

  /** Goes so many steps on, or back; beyond the newest, to what happens now. */
  move(by) {
    return this.later(async () => {
      if (this.chosen === null && by > 0) return;
      let place = (this.chosen ? this.rows.indexOf(this.chosen) : this.rows.length - 1) + by;
      while (place < 0 && !this.hasStart) {
        const added = await this.older();
        place += added;
        if (added === 0) break;
      }
      while (place >= this.rows.length && !this.hasEnd && (await this.newer()) > 0);
      if (place >= this.rows.length && this.hasEnd) this.choose(null);
      else if (this.rows.length > 0) this.choose(this.rows[Math.min(Math.max(place, 0), this.rows.length - 1)]);
    });
  }

  /** Goes to a step by its number, or to the one after it. */
  go(number) {
    return this.later(async () => {
      let row = this.rows.find((row) => row[0] === number);
      if (!row) {
        const rows = await this.fetched(`since=${Math.max(0, number - PAGE / 2)}&count=${PAGE}`);
        if (rows.length === 0) return this.choose(null);
        this.rows = rows;
        this.hasStart = number <= PAGE / 2;
        this.hasEnd = rows.at(-1)[0] >= this.newest;
        row = rows.find((row) => row[0] >= number) ?? rows.at(-1);
      }
      return this.choose(row);
    });
  }

  async older() {
    const first = this.rows[0];
    if (this.hasStart || !first) return 0;
    const rows = await this.fetched(`before=${first[0]}&count=${PAGE}`);
    if (this.rows[0] !== first) return 0;
    if (rows.length < PAGE) this.hasStart = true;
    this.rows.unshift(...rows);
    this.list.scrollTop += rows.length * ROW_PX;
    if (this.rows.length > ROWS_MAX) {
      this.rows.length = ROWS_MAX;
      this.hasEnd = false;
    }
    this.draw();
    return rows.length;
  }

  async newer() {
    const last = this.rows.at(-1);
    if (this.hasEnd || !last) return 0;
    const rows = await this.fetched(`since=${last[0] + 1}&count=${PAGE}`);
    if (this.rows.at(-1) !== last) return 0;
    if (rows.length < PAGE) this.hasEnd = true;
    this.rows.push(...rows);
    const over = this.rows.length - ROWS_MAX;
    if (over > 0 && this.rows.indexOf(this.chosen) >= over) {
      this.rows.splice(0, over);
      this.hasStart = false;
      this.list.scrollTop -= over * ROW_PX;
    }
    this.draw();
    return rows.length;
  }

  scrolled() {
    this.draw();
    const { scrollTop, clientHeight, scrollHeight } = this.list;
    if (scrollTop < 10 * ROW_PX && !this.hasStart && this.chosen) this.later(() => this.older());
    else if (scrollTop < 10 * ROW_PX && !this.hasStart && this.isHeld) this.later(() => this.older());
    if (scrollTop + clientHeight > scrollHeight - 10 * ROW_PX && !this.hasEnd) this.later(() => this.newer());
  }

  /** Whether somebody scrolled away from the newest steps. */
  get isHeld() {
    return this.list.scrollTop + this.list.clientHeight < this.all.offsetHeight - 3 * ROW_PX;
  }

  /** Draws what is in sight, soon. */
  draw(hasMoved = false) {
    this.hasMoved = this.hasMoved || hasMoved;
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.paint();
    });
  }

  paint() {
    const height = this.list.clientHeight;
    const wasHeld = this.isHeld;
    this.all.style.height = `${this.rows.length * ROW_PX}px`;
    const place = this.chosen ? this.rows.indexOf(this.chosen) : -1;
    if (this.hasMoved && place >= 0) {
      const top = place * ROW_PX;
      if (top < this.list.scrollTop + ROW_PX) this.list.scrollTop = top - Math.floor(height / 3);
      else if (top > this.list.scrollTop + height - 2 * ROW_PX) this.list.scrollTop = top - Math.floor((2 * height) / 3);
    } else if (!this.chosen && (!wasHeld || this.hasMoved)) {
      this.list.scrollTop = this.rows.length * ROW_PX;
    }
    this.hasMoved = false;
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW_PX) - BEYOND);
    const last = Math.min(this.rows.length, first + Math.ceil(height / ROW_PX) + 2 * BEYOND);
    this.seen.style.transform = `translateY(${first * ROW_PX}px)`;
    while (this.pool.length < last - first) this.pool.push(newRow(this.seen));
    this.pool.forEach((element, at) => {
      const row = first + at < last ? this.rows[first + at] : null;
      fill(element, row, first + at, row !== null && row === this.chosen);
    });
    if (place >= 0) this.list.setAttribute("aria-activedescendant", `row-${place}`);
    else this.list.removeAttribute("aria-activedescendant");
    const whole = this.newest.toLocaleString("en");
    this.count.textContent = this.chosen ? `step ${this.chosen[0].toLocaleString("en")} of ${whole}` : `${whole} steps`;
  }
}

function newRow(parent) {
  const element = parent.appendChild(document.createElement("div"));
  element.className = "row";
  element.setAttribute("role", "option");
  for (let cell = 0; cell < 10; cell += 1) element.appendChild(document.createElement("span"));
  return element;
}

function fill(element, row, place, isChosen) {
  element.hidden = row === null;
  if (row === null) return;
  const [step, ts, floor, hp, most, skill, action, effect, reason, total_us, by] = row;
  const cells = [step, ts.slice(11, 19), floor || "", floor ? `${hp}/${most}` : "", skill, action, effect, reason, by, (total_us / 1000).toFixed(1)];
  cells.forEach((text, at) => {
    const cell = element.children[at];
    if (cell.textContent !== String(text)) {
      cell.textContent = text;
      if (at === 7) cell.title = text;
    }
  });
  element.dataset.place = place;
  element.id = `row-${place}`;
  element.className = `row${isChosen ? " chosen" : ""}${effect === "none" ? " none" : ""}`;
  element.setAttribute("aria-selected", isChosen);
}
