# Licensed under a 3-clause BSD style license - see LICENSE
"""
Labelled frames of a folder: scenes, sets of Astro R-CNN, COCO annotations.
"""

__all__ = ['LabelledFrames', 'open_frames']

from functools import partial
from pathlib import Path

from photutils_rcnn.simulation.scene import Scene


class LabelledFrames:
    """
    The scenes of files, each read when it is asked for.

    Parameters
    ----------
    items : sequence
        What names each.
    read : callable
        Called with one of them; returns a
        `~photutils_rcnn.simulation.scene.Scene`.
    """

    def __init__(self, items, read):
        self._items = list(items)
        self._read = read

    def __len__(self):
        return len(self._items)

    def __getitem__(self, i):
        return self._read(self._items[i])


def open_frames(path):
    """
    The labelled frames of a folder or of a file of COCO.

    Parameters
    ----------
    path : path-like
        A folder with scenes, ``*.npz``, or with sets of Astro R-CNN, ``set_N``,
        or with one file of COCO annotations, ``*.json``; or such a file. The names of
        the images of COCO count from its folder.

    Returns
    -------
    frames : `LabelledFrames`
        The frames.

    Raises
    ------
    OSError, ValueError
        If it holds none of these, or more than one of them.
    """
    path = Path(path)
    if not path.exists():
        msg = f'{path}: no such file or folder'
        raise FileNotFoundError(msg)
    if path.is_file():
        return _coco_frames(path)
    found = {'*.npz': sorted(path.glob('*.npz')), '*.json': sorted(path.glob('*.json')),
             'set_N': [item for item in path.glob('*set_*') if item.is_dir()]}
    kinds = [kind for kind, items in found.items() if items]
    if len(kinds) != 1 or len(found['*.json']) > 1:
        got = ', '.join(f'{len(items)} {kind}' for kind, items in found.items())
        msg = (f'{path} must hold scenes (*.npz), sets of Astro R-CNN (set_N) or one file '
               f'of COCO annotations (*.json), and nothing else of these, got {got}')
        raise ValueError(msg)
    if kinds == ['*.json']:
        return _coco_frames(found['*.json'][0])
    if kinds == ['*.npz']:
        return LabelledFrames(found['*.npz'], Scene.read)
    from photutils_rcnn.astro_rcnn.training_sets import list_sets

    return LabelledFrames(list_sets(path).values(), _read_set)


def _read_set(folder):
    """
    The scene of a set of Astro R-CNN, with the PSF measured.
    """
    from photutils_rcnn.astro_rcnn.training_sets import read_set
    from photutils_rcnn.sources.classes import CLASS_NAMES

    found = read_set(folder)
    return Scene.from_labels(
        found.data, found.footprints, [CLASS_NAMES[k - 1] for k in found.class_ids],
        bands=found.bands)


def _coco_frames(path):
    """
    The frames of a file of COCO annotations.
    """
    from photutils_rcnn.io.coco_labels import read_coco

    return LabelledFrames(read_coco(path), partial(_read_coco_frame, path))


def _read_coco_frame(path, frame):
    """
    The scene of an image of COCO.
    """
    try:
        footprints, names = frame.footprints()
        return Scene.from_labels(path.parent / frame.file_name, footprints, names)
    except (OSError, ValueError) as exc:
        msg = f'{path}: image {frame.file_name!r}: {exc}'
        raise type(exc)(msg) from exc
