"""The page: one component that fills the window, and the endpoints beside it."""

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from annotator.ui.api import add_endpoints
from annotator.ui.calls import Calls
from annotator.ui.identity import person_of
from annotator.workspace import Workspace

STATIC = Path(__file__).with_name("static")
TITLE = "Annotator"
HOUR_S, DAY_S = 3600, 86400  # how often files that Gradio made are looked for, and how old they may get

# The page's own modules do everything; Gradio gives them its shell and the way to the server.
START = """
import(new URL("annotator/static/main.js", document.baseURI))
    .then((page) => page.start({ element, server }))
    .catch((error) => { element.textContent = `The page could not start: ${error.message}. Reload it.`; throw error; });
"""


class BuiltPage(NamedTuple):
    """The Blocks to launch, and the number of the component that the page's calls name."""

    blocks: gr.Blocks
    component_id: int


def build_page(workspace: Workspace, calls: Calls) -> BuiltPage:
    """The page and the endpoints."""

    def call(message: dict, request: gr.Request) -> dict[str, Any]:
        # What the page knows the way to the server by; ui/dispatch.py answers it before Gradio would.
        return calls.handle(message, person=person_of(request))

    with gr.Blocks(
        title=TITLE, fill_width=True, fill_height=True, analytics_enabled=False, delete_cache=(HOUR_S, DAY_S)
    ) as blocks:
        component = gr.HTML(
            elem_id="annotator",
            html_template="",
            js_on_load=START,
            apply_default_css=False,
            server_functions=[call],
        )
        add_endpoints(workspace)
    return BuiltPage(blocks, component._id)
