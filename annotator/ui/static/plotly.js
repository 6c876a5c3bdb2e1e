/** Plotly: fetched when a figure is first shown, dressed in the page's colours. */

const QUIET = { displayModeBar: false, responsive: true, showTips: false };

let library = null;

/** @param {string} address of the library; one that did not come is fetched anew the next time */
export function loadPlotly(address) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(address, document.baseURI).href;
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      library = null;
      script.remove();
      reject(new Error("What draws the figures could not be loaded. Close the analysis and open it again."));
    });
    document.head.append(script);
  });
  return library;
}

/**
 * Draw a figure, or draw it again in the colours of another theme.
 *
 * @param {object} plotly as loadPlotly gives it
 * @param {HTMLElement} place within the page, whose colours it takes
 * @param {{data: object[], layout: object}} figure
 */
export function draw(plotly, place, { data, layout }) {
  place.style.height = `${layout.height}px`; // in a window of another size Plotly asks the place, no longer the figure
  return plotly.react(place, data, { ...layout, template: theme(place) }, QUIET);
}

function theme(place) {
  const style = getComputedStyle(place);
  const token = (name) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    gridcolor: token("line"),
    linecolor: token("line-strong"),
    zerolinecolor: token("line-strong"),
    ticklabelstandoff: 4,
    title: { font: { size: 12 } },
  };
  return {
    layout: {
      paper_bgcolor: "rgba(0, 0, 0, 0)",
      plot_bgcolor: "rgba(0, 0, 0, 0)",
      font: { family: style.fontFamily, size: 12, color: token("text-soft") },
      hoverlabel: { bgcolor: token("raised"), bordercolor: token("line-strong"), font: { color: token("text") } },
      xaxis: axis,
      yaxis: axis,
      shapedefaults: { line: { color: token("text") } },
    },
  };
}
