# Licensed under a 3-clause BSD style license - see LICENSE
"""
Import of matterport weight files.
"""

__all__ = ['import_model']

from pathlib import Path

from photutils_rcnn.astro_rcnn.model import AstroRCNNModel
from photutils_rcnn.models.model_folder import write_folder

CARD = """\
# {name}

A Mask R-CNN with {n_bands} bands, the classes {classes}
and {n_blocks} blocks in its ResNet, imported from
`{imported_from}` (sha256 {imported_sha256}).

It is {origin}. Detection follows Astro R-CNN (Burke et al. 2019, MNRAS 490,
3952): the frame is one piece, {size}, boxes are suppressed across
classes, scores are not calibrated, and at most {detections} sources are
returned. Frames need the normalization of 2019 (`zscore-int16`) of the data as
they are: use `background=0`. The bands are ordered blue to red; the kernel of `conv1`,
which the file orders red to blue, was reversed.
"""


def import_model(path, folder, *, overwrite=False, **options):
    """
    Write a weight file as a model's folder.

    The weights keep their precision, float32.

    Parameters
    ----------
    path : path-like
        The file, ``.h5``.
    folder : path-like
        The model's folder; it is made if it does not exist, and written only
        once the whole file was found to fit.
    overwrite : bool, optional
        Whether to replace a model in the folder. The default is `False`.
    **options
        ``name``, ``class_names`` and ``resize_to`` of
        `~photutils_rcnn.astro_rcnn.model.AstroRCNNModel.read`.

    Returns
    -------
    model : `~photutils_rcnn.astro_rcnn.model.AstroRCNNModel`
        What was read.

    Raises
    ------
    OSError
        If the folder has a model and ``overwrite`` is `False`.
    ValueError
        If the file does not fit, or ``resize_to`` is no multiple of 64.
    """
    folder = Path(folder)
    if (folder / 'config.json').exists() and not overwrite:
        msg = f'{folder} holds a model; use overwrite (--overwrite) to replace it'
        raise OSError(msg)
    model = AstroRCNNModel.read(path, **options)
    config, settings = model.config, model.settings
    published, side = settings['training']['published_as'], settings['resize_to']
    card = CARD.format(
        name=model.name, n_bands=config.n_bands,
        n_blocks=sum(config.stage_blocks),
        classes=', '.join(config.class_names), **settings['training'],
        origin=(f'the published file {published}' if published else
                'none of the published files'),
        size=('of its own size' if side is None else
              f'resized to {side} pixels'),
        detections=model.thresholds['detections'])
    write_folder(folder, model._weights, settings, card)
    return model
