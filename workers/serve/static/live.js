// A live view: one WebSocket that comes back by itself.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const LOGGED_OUT = 4401;

/**
 * Messages of the live view to whoever listens: docs/live.md.
 *
 * @param {string[]} cameras those whose frames are wanted; none: of all
 * @param {object} listen message type -> function; also `open` and `closed`. A frame comes with its picture,
 *   a Blob, or null.
 */
export function watch(cameras, listen, frames = true) {
  const view = { socket: null, pause: FIRST_PAUSE_MS, frames, ended: false, picture: null, again: 0 };
  const tell = (type, ...told) => listen[type]?.(...told);

  function open() {
    const query = new URLSearchParams(cameras.map((name) => ["camera", name]));
    if (!view.frames) query.append("frames", "false");
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/v1/live?${query}`);
    socket.binaryType = "arraybuffer";
    view.socket = socket;
    socket.addEventListener("open", () => {
      view.pause = FIRST_PAUSE_MS;
      tell("open");
    });
    socket.addEventListener("message", (event) => receive(event.data));
    socket.addEventListener("close", (event) => {
      if (view.socket !== socket || view.ended) return;
      if (event.code === LOGGED_OUT) {
        location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
        return;
      }
      tell("closed");
      view.again = setTimeout(open, view.pause * (0.75 + Math.random() / 2));
      view.pause = Math.min(2 * view.pause, LONGEST_PAUSE_MS);
    });
  }

  function receive(data) {
    if (data instanceof ArrayBuffer) {
      const length = new DataView(data).getUint32(0);
      const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
      view.picture = {
        ...header,
        jpeg: new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" }),
      };
      return;
    }
    const message = JSON.parse(data);
    const mine = message.type === "frame" && view.picture?.entry_id === message.entry_id;
    tell(message.type, message, mine ? view.picture.jpeg : null);
    if (message.type === "frame") view.picture = null;
  }

  // Who does not look needs no frames, only to be told of incidents.
  document.addEventListener("visibilitychange", () => {
    if (!frames || view.ended) return;
    view.frames = !document.hidden;
    clearTimeout(view.again);
    const old = view.socket;
    open();
    old?.close();
  });
  window.addEventListener("pagehide", () => {
    view.ended = true;
    view.socket?.close();
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    view.ended = false;
    open();
  });
  open();
}
