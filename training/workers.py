"""Processes that prepare batches."""

import signal

import cv2


def set_up_worker(_number: int) -> None:
    """One thread each, and deaf to Ctrl-C: the main process finishes its step and then ends them."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
