/** Light or dark: the system's choice until the labeler makes one, which is remembered. Gradio's own switch is used. */

const KEY = "annotator-theme";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden; the system's choice will do
  }
}

const system = window.matchMedia("(prefers-color-scheme: dark)");

function show() {
  const theme = remembered() ?? (system.matches ? "dark" : "light");
  document.body.classList.toggle("dark", theme === "dark");
}

export function startTheme() {
  show();
  system.addEventListener("change", show);
}

export function toggleTheme() {
  const theme = document.body.classList.contains("dark") ? "light" : "dark";
  document.body.classList.toggle("dark", theme === "dark");
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Not remembered, but shown.
  }
}
