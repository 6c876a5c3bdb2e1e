"""A class at work, as its instructor sees and steers it."""

from annotator.classroom.usecases import Classroom

__all__ = ["Classroom"]
