"""Proposing masks for whole pictures: one after another here, or many at once on a cluster."""

from annotator.proposing.plan import Plan
from annotator.proposing.report import Report
from annotator.proposing.usecases import JOB_KIND, Proposing

__all__ = ["JOB_KIND", "Plan", "Proposing", "Report"]
