"""What goes wrong with a place elsewhere: one clear line, nothing printed that opens it, and all well again later."""

import socket
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from annotator.config import Settings
from annotator.errors import AwayError, SettingsError
from annotator.objects import Folder, Remote, open_pictures
from tests.s3 import S3Server
from tests.sources import ROOT


def refused(url: str) -> str:
    with pytest.raises((AwayError, SettingsError)) as error:
        Remote(url, tries=1).check()
    return str(error.value)


def test_a_bucket_that_is_not_there_is_said(s3: S3Server) -> None:
    assert refused("s3://no-such-bucket/pictures").startswith("s3://no-such-bucket/pictures is not there")


def test_credentials_that_are_refused_are_said_and_not_printed(s3: S3Server, caplog: pytest.LogCaptureFixture) -> None:
    remote = Remote(f"{s3.new_bucket()}/pictures")
    remote.check()
    s3.ask_for_credentials(True)
    try:
        for doing, work in (("read", remote.get), ("write", lambda name: remote.put(name, b"1"))):
            with pytest.raises(AwayError, match=f"refuses: no right to {doing} there. Check the credentials") as error:
                work("a.png")
            for secret in ("an-id", "a-secret"):
                assert secret not in str(error.value) + caplog.text
    finally:
        s3.ask_for_credentials(False)
    assert remote.get("a.png") is None


def test_without_any_credentials_it_is_said_which_there_may_be(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "AWS_ACCESS_KEY_ID" in refused(s3.new_bucket())


def test_a_server_that_is_away_is_said(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert "does not answer. Try again later" in refused("s3://bucket/pictures")


def test_a_server_that_never_answers_is_not_waited_for_for_ever(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(AwayError, match="does not answer"):
            Remote("s3://bucket/pictures", wait_s=0.2, tries=1).check()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nope://there/pictures", "Protocol not known: nope"),
        ("s3://", "is no place for files"),
        ("simplecache::s3://bucket/pictures", "is no place for files"),
        ("s3://an-id:a-secret@bucket/pictures", "Credentials do not belong into the URL of s3://bucket/pictures"),
        ("s3://an-id:a-secret/with-a-slash@bucket/x", "Credentials do not belong into the URL of s3://bucket/x"),
        ("nope://an-id:a-secret/[@there/x", "nope://there/x cannot be used"),
        ("http://127.0.0.1:9/pictures?token=a-secret", "http://127.0.0.1:9/pictures "),
    ],
)
def test_a_url_that_cannot_be_used_is_said_without_its_secrets(url: str, said: str) -> None:
    text = refused(url)
    assert said in text
    assert "a-secret" not in text and "an-id" not in text


def test_what_a_library_says_is_shown_without_the_password_of_the_url(caplog: pytest.LogCaptureFixture) -> None:
    class Talkative(Remote):
        def _file_system(self, protocol: str, url: str, wait_s: float, tries: int) -> tuple[Any, str]:
            class Refuses:
                def cat_file(self, path: str) -> bytes:
                    if path.endswith("annotator.txt"):
                        return b"It is there."
                    raise RuntimeError(f"cannot log in at {url} with a/secret.")

            return Refuses(), "/pictures"

    remote = Talkative("ftp://me:a%2Fsecret@host/pictures?sig=another-secret")
    remote.check()
    with pytest.raises(AwayError) as error:
        remote.get("a.png")
    for text in (str(error.value), caplog.text):
        assert "cannot log in" in text
        assert "a%2Fsecret" not in text and "a/secret" not in text and "another-secret" not in text


def test_a_url_is_in_no_text_of_the_settings(tmp_path: Path) -> None:
    assert "a-secret" not in repr(Settings(data=tmp_path, pictures_url="ftp://me:a-secret@host/pictures"))


def test_the_package_that_is_missing_is_named(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from annotator.cli import app\n"
        f"app(['--data', {str(tmp_path / 'workspace')!r}, '--pictures', 's3://bucket/pictures', 'import', 'x.png'])"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "python -m pip install s3fs" in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "workspace" / "annotator.db").exists()


def test_a_workspace_remembers_that_its_pictures_are_elsewhere(tmp_path: Path) -> None:
    url = f"memory://{uuid.uuid4().hex}/pictures"
    open_pictures(Settings(data=tmp_path, pictures_url=url))
    with pytest.raises(SettingsError, match=f"are in {url}. Name that place with --pictures"):
        open_pictures(Settings(data=tmp_path))
    open_pictures(Settings(data=tmp_path, pictures_url=url))


def test_another_folder_is_a_place_too_and_is_read_where_it_lies(tmp_path: Path) -> None:
    objects = open_pictures(Settings(data=tmp_path / "workspace", pictures_url=str(tmp_path / "pictures")))
    assert isinstance(objects, Folder)
    objects.put("a.png", b"first")
    assert objects.path("a.png") == tmp_path / "pictures" / "a.png"
