// The connection: what happens, as it happens. Says when something was taken, and only then is told the next, so that nothing queues.

const AGAIN_MS = [250, 500, 1000, 2000, 4000];

export class Live {
  /** `heard.news(object)`, `heard.picture(buffer, taken)`, `heard.lost(why)`, `heard.found()`. */
  constructor(heard) {
    this.heard = heard;
    this.tries = 0;
    this.game = 0;
    this.connect();
  }

  /** Shows another game. */
  show(game) {
    this.game = game;
    this.say(`g${game}`);
  }

  say(text) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
  }

  connect() {
    const socket = new WebSocket(`ws://${location.host}/api/live`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.tries = 0;
      if (this.game) this.say(`g${this.game}`);
      this.heard.found();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") {
        try {
          this.heard.news(JSON.parse(data));
        } finally {
          this.say("s");
        }
      } else {
        this.heard.picture(data, () => socket.readyState === WebSocket.OPEN && socket.send("f"));
      }
    };
    socket.onclose = () => this.retry("The connection to attach is lost; trying again.");
    this.socket = socket;
  }

  retry(why) {
    this.heard.lost(why);
    const wait = AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)];
    this.tries += 1;
    setTimeout(() => this.knock(), wait);
  }

  /** A refused WebSocket does not say why; an ordinary request does. */
  async knock() {
    try {
      const answer = await fetch("/page/icon.svg", { cache: "no-store" });
      if (answer.ok) return this.connect();
      if (answer.status === 403) return this.retry("agent attach --web was started again: open the new link that it printed.");
    } catch {
      // Nobody is there yet.
    }
    return this.retry("agent attach --web does not answer; it may have been ended. Trying again.");
  }
}
