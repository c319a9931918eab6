// A refusal that htmx received is shown as a toast, in the words of the server's own error page.
(() => {
  const say = (text) => document.dispatchEvent(new CustomEvent("toast", { detail: { text, state: "critical" } }));

  document.addEventListener("htmx:responseError", (event) => {
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const parts = [...page.querySelectorAll("[data-refusal]")].map((part) => part.textContent.trim());
    say(parts.join(" ") || `The server answered ${event.detail.xhr.status}. Reload the page and try again.`);
  });
  document.addEventListener("htmx:sendError", () => {
    say("The portal could not be reached. Check the connection and try again; nothing you typed is lost.");
  });
})();
