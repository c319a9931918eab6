// Draws the REST interface from its own description; what is tried out there runs in the reader's session.
"use strict";

const place = document.getElementById("api-docs");

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
