/** Numbers as people read them. */

/** 0.934 -> ".93"; 1 -> "1.0" */
export function score(value) {
  if (value === null || value === undefined) return "–";
  const text = Math.min(1, Math.max(0, value)).toFixed(2);
  return text.startsWith("0") ? text.slice(1) : "1.0";
}

/** A share of the picture: 0.1234 -> "12 %", 0.0123 -> "1.2 %", very little -> "<0.1 %" */
export function share(part, whole) {
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return "<0.1 %";
  return `${percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** 375042383 -> "375 MB" */
export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  if (count >= 1e6) return `${Math.round(count / 1e6)} MB`;
  return `${Math.max(1, Math.round(count / 1e3))} kB`;
}

/** count(1, "picture") -> "1 picture", count(3, "picture") -> "3 pictures" */
export function count(number, noun, plural = `${noun}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;
}

/** A moment, as the server writes it, in the reader's own time: "14:05" today, else "29 Nov, 14:05". */
export function when(text) {
  const moment = new Date(text);
  const time = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (moment.toDateString() === new Date().toDateString()) return time;
  return `${moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${time}`;
}

/** The same to the second, with the year. */
export function exactly(text) {
  return new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}
