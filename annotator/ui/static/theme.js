/** Light or dark: the system's choice until the labeler makes one, which is remembered. Gradio's own switch is used. */

import { BROWSER, recall, remember } from "./memory.js";

const KEY = "theme";

const system = window.matchMedia("(prefers-color-scheme: dark)");

function show() {
  const theme = recall(BROWSER, KEY) ?? (system.matches ? "dark" : "light");
  document.body.classList.toggle("dark", theme === "dark");
}

export function startTheme() {
  show();
  system.addEventListener("change", show);
}

export function toggleTheme() {
  const theme = document.body.classList.contains("dark") ? "light" : "dark";
  document.body.classList.toggle("dark", theme === "dark");
  remember(BROWSER, KEY, theme);
}
