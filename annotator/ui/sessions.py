"""What Gradio keeps of a session or an event until its end is read; here it is dropped when its owner has too many.

Of each session_hash Gradio keeps a copy of the page's state (70 KB), of each event its body and its answer. Nothing
that the page does makes one: its calls go to ui/dispatch.py. Programs make one each time they connect.
"""

import os
from typing import Any

import gradio as gr

CAPACITY = 1000  # sessions that Gradio keeps the state of, of all people together
MOST_UNREAD = 100  # events of one session that nobody has read the end of


def quiet_analytics() -> None:
    """Gradio computes statistics of the last 10,000 events after each event. To be called before the page is built."""
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "100"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**12)


class GradioSessions:
    """Forgets in Gradio what annotator/access/ownership.py forgets. To be called in the server's event loop."""

    def __init__(self) -> None:
        self._blocks: gr.Blocks | None = None

    def watch(self, blocks: gr.Blocks) -> None:
        self._blocks = blocks

    def forget(self, kind: str, name: str) -> None:
        """kind: "session_hash" or "event_id", both as a request names them."""
        if self._blocks is None:
            return
        if kind == "session_hash":
            self._forget_session(self._blocks, name)
        elif kind == "event_id":
            queue = self._blocks._queue
            self._forget_session(self._blocks, name)  # an event that came by /call is its own session
            unread: dict[str, set[str]] = queue.pending_event_ids_session
            full = [one for one, ids in unread.items() if name in ids and len(ids) > MOST_UNREAD]
            for session in full:
                self._forget_session(self._blocks, session)

    def _forget_session(self, blocks: Any, name: str) -> None:
        queue, states = blocks._queue, blocks.state_holder
        for event_id in queue.pending_event_ids_session.pop(name, ()):
            event = queue.event_ids_to_events.pop(event_id, None)
            if event is None:
                continue
            event.alive = False  # one that runs comes to its end, and nobody is told
            waiting = queue.event_queue_per_concurrency_id[event.concurrency_id].queue
            if event in waiting:
                waiting.remove(event)
        if name in queue.pending_messages_per_session:
            del queue.pending_messages_per_session[name]
        with states.lock:
            states.session_data.pop(name, None)
            states.time_last_used.pop(name, None)
