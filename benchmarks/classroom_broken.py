"""A server that is broken on purpose: one global "current picture", as many tools have, set and then read by all.

    python benchmarks/classroom_broken.py [options of launch.py]

benchmarks/classroom.py --broken runs it, to prove that its checker sees mixed-up answers. Nothing else does.
"""

import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from annotator.cli import app
from annotator.labelling import Labelling, SessionView
from storage.records import ImageRecord

WINDOW_S = 0.02  # between setting the picture and reading it: what a model takes
view = Labelling.view
current: dict[str, ImageRecord] = {}


def view_of_the_current(self: Labelling, image: ImageRecord, **more: Any) -> SessionView:
    current["image"] = image
    time.sleep(WINDOW_S)
    return view(self, current["image"], **more)


if __name__ == "__main__":
    Labelling.view = view_of_the_current  # type: ignore[method-assign]
    app()
