"""What a user is told about a photo for identity papers: what was measured, what was guessed, what to check."""

from annotator.cutouts.frames import Frame
from annotator.cutouts.heads import Head, Told
from annotator.cutouts.photosizes import PhotoSize

_MUCH_ENLARGED = 1.5

_TOLD = {
    Told.NECK: "The chin was taken to be where the mask narrows to the neck.",
    Told.END: "The chin was taken to be where the mask ends.",
    Told.GUESS: "The mask does not show where the chin is (long hair, a beard or a collar); it was guessed.",
}


def photo_notes(head: Head, frame: Frame, photo: PhotoSize, picture_hw: tuple[int, int]) -> tuple[str, ...]:
    """Lines for people. A mask tells neither eyes nor a tilted head, nor what hair and hats hide of the crown."""
    millimetres = head.height * frame.scale * photo.height_mm / photo.size_hw[0]
    notes = [
        f"{_TOLD[head.told]} The crown is the mask's top, hair included: {millimetres:.0f} mm from chin to crown. "
        f"The rule for {photo.title}: {photo.rule}. Check, and correct with zoom and shift."
    ]
    x, y, width, height = frame.box_xywh
    if y + height > picture_hw[0] or x < 0 or x + width > picture_hw[1]:
        notes.append("The picture ends within the photo: the background goes on there.")
    if frame.scale > _MUCH_ENLARGED:
        notes.append(f"The picture had to be enlarged {frame.scale:.1f} times and will look soft in print.")
    return tuple(notes)
