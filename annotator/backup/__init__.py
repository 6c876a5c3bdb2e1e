"""Backups: the whole workspace as one file or folder, made while it is in use, checked, and put back."""

from annotator.backup.inplace import Restoring
from annotator.backup.making import BackupReport, make_backup
from annotator.backup.restoring import RestoreReport, check_backup, restore
from annotator.backup.usecases import Backups

__all__ = ["BackupReport", "Backups", "RestoreReport", "Restoring", "check_backup", "make_backup", "restore"]
