// Keeps <time data-when> relative while a page stays open. Same words as the "when" template tag.
(() => {
  const STEPS = [[60, "minute", 60], [3600, "hour", 24], [86400, "day", 30]];

  const relative = (seconds) => {
    const distance = Math.abs(seconds);
    if (distance < 45) return "just now";
    for (const [size, word, limit] of STEPS) {
      const count = Math.max(1, Math.round(distance / size));
      if (count >= limit) continue;
      const phrase = `${count} ${word}${count === 1 ? "" : "s"}`;
      return seconds < 0 ? `${phrase} ago` : `in ${phrase}`;
    }
    return null;
  };

  const refresh = () => {
    for (const element of document.querySelectorAll("time[data-when]")) {
      const text = relative((Date.parse(element.dateTime) - Date.now()) / 1000);
      if (text && element.textContent !== text) element.textContent = text;
    }
  };

  setInterval(refresh, 30000);
})();
