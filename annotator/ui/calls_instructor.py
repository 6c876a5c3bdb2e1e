"""The page's calls of the instructor's view."""

from typing import Any

from annotator.access.entrance import Entrance
from annotator.access.person import Person, Role
from annotator.ui import render, render_class
from annotator.ui.uploads import given_files
from annotator.workspace import Workspace
from storage.records import AssignmentMode, AssignmentRule

JSON = dict[str, Any]


class InstructorCalls:
    """A part of Calls, the instructor's alone (ui/rights.py)."""

    _workspace: Workspace
    _entrance: Entrance | None

    def class_view(self, *, labeler: str) -> JSON:
        """All that the view shows and that changes by itself."""
        self._workspace.classroom.presence.see(labeler)
        present = self._entrance.present() if self._entrance else []
        sign_ins: dict[str, list[int]] = {}
        for one in present:
            if one.role == Role.LABELER:
                sign_ins.setdefault(one.name, []).append(one.id)
        progress = self._workspace.classroom.progress(sign_ins)
        on = [one.image_id for one in progress.labelers if one.image_id is not None]
        told = render_class.progress_json(progress, self._workspace.repository.image_names(on))
        for row in told["labelers"]:
            row["sign_ins"] = sign_ins.get(row["name"], [])
        return {
            **told,
            **render_class.notices_json(self._workspace),
            "asks_for_codes": self._entrance is not None,
            "queue": render_class.queue_json(self._workspace.classroom.queue()),
            "rule": render_class.rule_json(self._workspace.review.rule()),
            "backups": [render_class.backup_json(one) for one in self._workspace.backups.all()],
            "restoring": render_class.restoring_json(self._workspace),
        }

    def lock_categories(self, *, labeler: str, role: Role, locked: bool) -> JSON:
        self._workspace.classroom.locks.lock_categories(locked, labeler=labeler, role=role)
        return render_class.notices_json(self._workspace)

    def announce(self, *, labeler: str, role: Role, text: str) -> JSON:
        self._workspace.classroom.announcing.announce(text, labeler=labeler, role=role)
        return render_class.notices_json(self._workspace)

    def withdraw_announcement(self, *, role: Role) -> JSON:
        self._workspace.classroom.announcing.withdraw(role=role)
        return render_class.notices_json(self._workspace)

    def set_assignment_rule(self, *, role: Role, mode: AssignmentMode, labelers: int = 1, lease_s: int = 1800) -> JSON:
        rule = AssignmentRule(mode=mode, labelers=labelers, lease_s=lease_s)
        return render_class.rule_json(self._workspace.review.set_rule(rule, role=role))

    def back_up(self, *, person: Person) -> JSON:
        return render.job_json(self._workspace.backups.start(owner=person.name))

    def check_backup(self, *, person: Person, name: str) -> JSON:
        return render.job_json(self._workspace.restoring.start_check(name, owner=person.name))

    def check_uploaded_backup(self, *, person: Person, path: str) -> JSON:
        (file,) = given_files([path], person.key)
        return render.job_json(self._workspace.restoring.start_check_of(file.path, owner=person.name))

    def restore_backup(self, *, person: Person, name: str) -> JSON:
        return render.job_json(self._workspace.restoring.start(name, owner=person.name))

    # agreement

    def class_agreement(self) -> JSON:
        names = {one.id: one.name for one in self._workspace.categories()}
        return render_class.agreement_json(self._workspace.classroom.comparison.agreement(), names)

    def class_pair(self, *, of_labeler: str, other: str) -> JSON:
        found = self._workspace.classroom.comparison.pictures(of_labeler, other)
        return {"pictures": render_class.compared_json(found)}

    def class_overlay(self, *, image_id: int, of_labeler: str, other: str) -> JSON:
        found = self._workspace.classroom.comparison.overlay(image_id, of_labeler, other)
        return render_class.overlay_json(found, self._workspace)
