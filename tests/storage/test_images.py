"""Pictures in the database."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.errors import RecordNotFound, StorageError
from storage.records import ImageStatus
from tests.storage.scene import Labeler, values

FACTS = {"stored_name": "a.png", "original_name": "cup.png", "width": 4, "height": 3, "exif_orientation": 6}


def test_a_picture_comes_back_as_it_was_given(repository):
    image, is_new = repository.add_image(sha256="ab" * 32, **FACTS)
    assert is_new
    assert {name: getattr(image, name) for name in FACTS} == FACTS
    assert image.size_hw == (3, 4)
    assert (image.position, image.status) == (0, ImageStatus.NEW)
    assert repository.image(image.id) == repository.find_image("ab" * 32) == repository.images()[0] == image


def test_times_are_aware_and_in_utc(image, repository):
    created = repository.image(image.id).created_at
    assert created.tzinfo == UTC
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)


def test_the_same_picture_twice_is_one_and_stays_as_it_was(repository):
    first, _ = repository.add_image(sha256="ab" * 32, **FACTS)
    again, is_new = repository.add_image(sha256="ab" * 32, **FACTS | {"original_name": "copy of cup.png"})
    assert not is_new
    assert again == first
    assert repository.images() == [first]


def test_a_file_name_that_is_not_utf8_stays_readable(repository):
    image, _ = repository.add_image(sha256="ab" * 32, **FACTS | {"original_name": "caf\udce9.png"})
    assert repository.image(image.id).original_name == "caf?.png"


def test_an_unknown_hash_is_no_picture(repository):
    assert repository.find_image("cd" * 32) is None


@pytest.mark.parametrize(
    "wrong", [{"width": 0}, {"height": -1}, {"exif_orientation": 9}, {"width": 10**30}, {"stored_name": "\ud800.png"}]
)
def test_a_picture_that_cannot_be_is_refused(repository, wrong):
    with pytest.raises(StorageError):
        repository.add_image(sha256="ab" * 32, **FACTS | wrong)
    assert repository.images() == []


def test_pictures_are_listed_in_the_order_they_came(new_image, repository):
    images = [new_image() for _ in range(4)]
    assert repository.images() == images
    assert [image.position for image in images] == [0, 1, 2, 3]


def test_pictures_can_be_listed_by_status(new_image, repository):
    first, second, third = (new_image() for _ in range(3))
    done = repository.set_image_status(second.id, ImageStatus.DONE)
    assert done.status is ImageStatus.DONE
    assert repository.images(status=ImageStatus.DONE) == [done]
    assert repository.images(status=ImageStatus.NEW) == [first, third]


def test_a_picture_that_is_not_there_is_named(repository):
    for ask in (repository.image, repository.remove_image, lambda id: repository.set_image_status(id, "done")):
        with pytest.raises(RecordNotFound, match="picture with the id 7"):
            ask(7)


def test_an_id_beyond_all_numbers_is_refused(repository):
    with pytest.raises(StorageError):
        repository.image(10**30)


def test_removing_a_picture_takes_all_that_hangs_on_it(new_image, repository, cup, database):
    gone, kept = new_image(), new_image()
    for image in (gone, kept):
        labeler = Labeler(repository, image)
        labeler.change(None, None, values(cup))
        labeler.step()
    repository.remove_image(gone.id)
    assert repository.images() == [repository.image(kept.id)]
    assert repository.instance_counts() == {kept.id: 1}
    with database.read() as db_session:
        for table, left in (("instances", 1), ("sessions", 1), ("prompt_events", 2), ("operations", 2)):
            count = db_session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert (table, count) == (table, left)


def test_the_id_of_a_removed_picture_is_never_given_again(new_image, repository):
    gone = new_image()
    repository.remove_image(gone.id)
    assert new_image().id > gone.id


def test_instances_are_counted_per_picture(new_image, repository, cup):
    first, second, _empty = (new_image() for _ in range(3))
    kept = [repository.add_instances(each.id, [values(cup)] * 2, labeler="ann") for each in (first, second)]
    Labeler(repository, second).change(kept[1][0].id, values(cup), None)
    assert repository.instance_counts() == {first.id: 2, second.id: 1}
