// Short notices in the live region #toasts. Server: header HX-Trigger: {"toast": {"text": "…", "state": "ok"}}.
// Script: document.dispatchEvent(new CustomEvent("toast", {detail: {text, state}})).
(() => {
  const STATES = ["ok", "attention", "critical", "neutral", "info"];

  const show = ({ text, state }) => {
    const template = document.getElementById("toast-template");
    const region = document.getElementById("toasts");
    if (!template || !region || !text) return;
    const toast = template.content.firstElementChild.cloneNode(true);
    toast.dataset.state = STATES.includes(state) ? state : "info";
    const use = toast.querySelector("use");
    use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#${toast.dataset.state}`);
    toast.querySelector("[data-toast-text]").textContent = text;
    region.append(toast);
    // What went wrong stays until it is dismissed; what went well may leave.
    if (["ok", "info", "neutral"].includes(toast.dataset.state)) setTimeout(() => toast.remove(), 6000);
  };

  document.addEventListener("toast", (event) => show(event.detail || {}));
  document.addEventListener("click", (event) => {
    event.target.closest("[data-dismiss]")?.closest("[data-dismissable]")?.remove();
  });
})();
