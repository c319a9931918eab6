// A list that new rows come to by themselves: [data-live] names the stream, data-live-poll what is asked every ten
// seconds where no stream can be had, data-live-rows the body of the table. Rows are put in above only while that moves
// nothing under the reader: not when the table is scrolled, pointed at, or holds the focus. Then a button offers them.
(() => {
  const POLL = 10000;
  const SAID = 5000;
  let now = null;

  const begin = (root) => {
    const find = (name) => root.querySelector(`[data-live-${name}]`);
    const body = document.querySelector(root.dataset.liveRows);
    const table = body.closest("[data-live-table]");
    const most = Number(root.dataset.liveMost);
    const toggle = find("toggle"), show = find("show"), state = find("state"), said = find("said");
    let after = root.dataset.liveAfter;
    let source = null, timer = null, paused = false, polling = false, over = false;
    let waiting = [], unsaid = { count: 0, refused: 0 }, lastSaid = 0;

    find("fallback").hidden = true;

    const address = (base) => `${base}${base.includes("?") && !base.endsWith("?") ? "&" : ""}after=${encodeURIComponent(after)}`;
    const word = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

    const tell = () => {
      state.textContent = over ? "Ended: sign in again" : paused ? "Paused" : polling ? "Looks every 10 seconds" : source ? "New decisions come by themselves" : "";
      toggle.textContent = paused ? "Go on" : "Pause";
      toggle.setAttribute("aria-pressed", String(!paused));
    };

    const speak = () => {
      const wait = lastSaid + SAID - Date.now();
      if (wait > 0) return void (speak.timer ??= setTimeout(() => { speak.timer = null; speak(); }, wait));
      if (!unsaid.count) return;
      lastSaid = Date.now();
      said.textContent = `${word(unsaid.count, "new decision")}, ${unsaid.refused} refused.`;
      unsaid = { count: 0, refused: 0 };
    };

    const disturbs = () => {
      const box = table.getBoundingClientRect();
      return !table.hidden && (box.top < 0 || body.matches(":hover") || body.contains(document.activeElement) || !getSelection().isCollapsed);
    };

    const put = () => {
      table.hidden = false;
      document.querySelectorAll("[data-live-empty]").forEach((empty) => empty.remove());
      body.prepend(...waiting);
      waiting = [];
      while (body.rows.length > most) body.rows[body.rows.length - 1].remove();
      show.hidden = true;
    };

    const offer = () => {
      if (!waiting.length) return;
      if (!disturbs()) return put();
      show.textContent = `Show ${word(waiting.length, "new decision")}`;
      show.hidden = false;
    };

    const take = (found) => {
      after = found.after;
      const known = (row) => body.querySelector(`[data-decision="${row.dataset.decision}"]`) || waiting.some((one) => one.dataset.decision === row.dataset.decision);
      const parsed = new DOMParser().parseFromString(`<table><tbody>${found.rows}</tbody></table>`, "text/html");
      const rows = [...parsed.querySelectorAll("tr[data-decision]")].filter((row) => !known(row)).map((row) => document.adoptNode(row));
      if (!rows.length) return;
      waiting = [...rows, ...waiting].slice(0, most);
      unsaid.count += rows.length;
      unsaid.refused += rows.filter((row) => row.querySelector('.pill[data-state="critical"]')).length;
      offer();
      speak();
    };

    const poll = async () => {
      const answer = await fetch(address(root.dataset.livePoll), { headers: { Accept: "application/json" } }).catch(() => null);
      if (!root.isConnected || paused || !polling) return;
      if (answer?.ok && answer.headers.get("Content-Type")?.startsWith("application/json")) take(await answer.json());
      timer = setTimeout(poll, POLL);
    };

    const stop = () => {
      source?.close();
      source = null;
      clearTimeout(timer);
      polling = false;
    };

    const start = () => {
      stop();
      if (paused || over || document.hidden) return tell();
      source = new EventSource(address(root.dataset.live));
      source.addEventListener("decisions", (event) => take(JSON.parse(event.data)));
      source.addEventListener("over", () => { over = true; stop(); tell(); });
      source.addEventListener("error", () => {
        if (source?.readyState !== EventSource.CLOSED) return; // it comes again by itself
        stop();
        polling = true;
        timer = setTimeout(poll, POLL);
        tell();
      });
      tell();
    };

    toggle.addEventListener("click", () => { paused = !paused; start(); });
    show.addEventListener("click", () => { put(); body.querySelector("a")?.focus({ preventScroll: false }); });
    body.addEventListener("mouseleave", offer);
    body.addEventListener("focusout", () => setTimeout(offer));
    const scrolled = () => offer();
    window.addEventListener("scroll", scrolled, { passive: true });

    start();
    return { root, start, end: () => { stop(); window.removeEventListener("scroll", scrolled); } };
  };

  const look = () => {
    const root = document.querySelector("[data-live]");
    if (now?.root === root) return;
    now?.end();
    now = root && "EventSource" in window ? begin(root) : null;
  };

  document.addEventListener("htmx:afterSettle", look);
  document.addEventListener("visibilitychange", () => now?.start());
  window.addEventListener("pagehide", () => now?.end());
  window.addEventListener("pageshow", (event) => { if (event.persisted) now?.start(); });
  look();
})();
