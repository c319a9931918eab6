// Draws the REST interface from its own description; what is tried out there runs in the reader's session.
"use strict";

const place = document.getElementById("api-docs");

// The theme of the portal (theme.js) in the words of Swagger UI.
const root = document.documentElement;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const shade = () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
  root.classList.toggle("dark-mode", dark);
};
shade();
prefersDark.addEventListener("change", shade);
new MutationObserver(shade).observe(root, { attributeFilter: ["data-theme"] });

const csrfToken = () =>
  document.cookie
    .split("; ")
    .find((pair) => pair.startsWith("csrftoken="))
    ?.slice("csrftoken=".length) ?? "";

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null, // asks nobody else about our schema
  requestInterceptor: (request) => {
    if (request.method && request.method !== "GET") {
      request.headers["X-CSRFToken"] = csrfToken();
    }
    return request;
  },
});
