"""What is to be done with each picture of a job."""

from dataclasses import dataclass
from typing import Any

from annotator.automask import AutomaskSettings
from storage.records import ProposalRunRecord


@dataclass(frozen=True)
class Plan:
    """The same for every picture of a job; two runs of equal plans find the same."""

    fingerprint: str  # of the segmenter
    model: str  # its name
    settings: AutomaskSettings

    def noted(self) -> dict[str, Any]:
        """As the repository keeps it."""
        return {"fingerprint": self.fingerprint, "model": self.model, "settings": self.settings.to_json()}

    def asked_by(self, run: ProposalRunRecord | None) -> bool:
        """Whether a run, waiting or done without a failure, is of this plan."""
        return run is not None and run.same_work(fingerprint=self.fingerprint, settings=self.settings.to_json())

    @property
    def points(self) -> int:
        """Grid points of one picture; crops are counted in, so that pictures are of one length."""
        return self.settings.points_per_side**2
