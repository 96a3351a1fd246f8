# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fine tuning of a model on labelled frames.
"""

__all__ = ['fine_tune', 'fine_tune_scenes']

import math
import time
from collections.abc import Mapping
from numbers import Real
from pathlib import Path

from astropy.table import Table

from photutils_rcnn._wording import count

# The part of the time for the network; the rest is for its profile head.
TRAINING_PART = 0.8


def fine_tune(images, labels, classes, out, *, masks=None, bands=None,
              background='auto', psf_fwhm='auto', **options):
    """
    Train a model further on labelled frames.

    A part of the frames is held out: training goes on while it helps there, and
    what comes out is never worse there than the model that it began with. If
    nothing was better, that model is written, and a warning says so.

    Parameters
    ----------
    images : sequence
        Two frames or more, each anything that `RCNNSegmenter.segment
        <photutils_rcnn.RCNNSegmenter.segment>` takes: arrays (ny, nx) or
        (n_bands, ny, nx), `~astropy.nddata.CCDData`, FITS files.
    labels : sequence
        For each its labels: a label image,
        `~photutils.segmentation.SegmentationImage`, FITS file, or a stack of
        masks, see `Scene.from_labels
        <photutils_rcnn.simulation.scene.Scene.from_labels>`.
    classes : sequence, mapping or str
        For each the classes of its labels, as for ``Scene.from_labels``; or
        one mapping, table or name for all frames.
    out : path-like
        The folder of the new model.
    masks : sequence, optional
        For each frame the bad pixels, or `None`.
    bands : str or sequence of str, optional
        The names of the bands of all frames.
    background, psf_fwhm : optional
        Those of ``Scene.from_labels``, for all frames.
    **options
        Those of `fine_tune_scenes`.

    Returns
    -------
    model : `~photutils_rcnn.models.model.Model`
        The model, for `~photutils_rcnn.RCNNSegmenter`; that of the folder
        ``out``.

    Raises
    ------
    OSError, TypeError, ValueError
        If an argument or a file does not fit.

    Warns
    -----
    AstropyUserWarning
        If nothing was better than the initial model.

    Examples
    --------
    >>> from photutils_rcnn import RCNNSegmenter
    >>> from photutils_rcnn.training import fine_tune
    >>> model = fine_tune(images, labels, classes,
    ...                   out='my_model')  # doctest: +SKIP
    >>> segmenter = RCNNSegmenter(model)  # doctest: +SKIP
    """
    frames = _LabelledFrames(images, labels, classes, masks, {
        'bands': bands, 'background': background, 'psf_fwhm': psf_fwhm})
    return fine_tune_scenes(frames, out, **options)


class _LabelledFrames:
    """
    The scenes of labelled frames, each made when it is asked for.
    """

    def __init__(self, images, labels, classes, masks, options):
        self._parts = images, labels, classes, masks
        for name, values in (('images', images), ('labels', labels), ('masks', masks)):
            if name == 'masks' and values is None:
                continue
            if isinstance(values, (str, bytes)) or not hasattr(values, '__len__'):
                msg = f'{name} must be a list with an entry for each frame, got {values!r}'
                raise TypeError(msg)
            if len(values) != len(images):
                msg = (f'{name} must have an entry for each of {count(len(images), "image")}, '
                       f'got {len(values)}')
                raise ValueError(msg)
        self._shared = isinstance(classes, (Mapping, Table, str))
        n_entries = len(classes) if hasattr(classes, '__len__') else repr(classes)
        if not self._shared and n_entries != len(images):
            msg = ('classes must be a mapping, a table or a name for all frames, or have '
                   f'an entry for each of the {len(images)}, got {n_entries}')
            raise ValueError(msg)
        self._options = options

    def __len__(self):
        return len(self._parts[0])

    def __getitem__(self, i):
        from photutils_rcnn.simulation.scene import Scene

        images, labels, classes, masks = self._parts
        try:
            return Scene.from_labels(
                images[i], labels[i], classes if self._shared else classes[i],
                mask=None if masks is None else masks[i], **self._options)
        except (OSError, TypeError, ValueError) as exc:
            msg = f'frame {i}: {exc}'
            raise type(exc)(msg) from exc


def fine_tune_scenes(scenes, out, *, initial='default', held_out=0.25, minutes=math.inf,
                     unlabelled='ignore', stages=None, batch_size=4, seed=0,
                     resume=False, overwrite=False, progress_bar=True):
    """
    Train a model further on scenes; see `fine_tune`.

    Parameters
    ----------
    scenes : sequence of `~photutils_rcnn.simulation.scene.Scene`
        Two frames or more. A class that the model does not know is added to
        it, classes of the model may be missing.
    out : path-like
        The folder of the new model. An unfinished run is kept in its folder
        ``fine_tuning``, of which the log of the losses stays.
    initial : str, path-like or `~photutils_rcnn.models.model.Model`, optional
        The model to begin with. The default is the shipped one.
    held_out : float, optional
        The fraction of the frames, at least one, that is not trained on. The
        default is 0.25.
    minutes : float, optional
        Stop after so many minutes, with the best model so far. By default
        there is no limit.
    unlabelled : {'ignore', 'background'}, optional
        What sources are that have no label but a score above the threshold
        of the initial model, in training: neither right nor wrong (default),
        or background, for labels that are complete.
    stages : sequence of `~photutils_rcnn.training.fine_tuner.Stage`, optional
        The schedule. By default the heads learn first, then all layers.
    batch_size : int, optional
        The crops of a step. The default is 4.
    seed : int, optional
        The seed of the choice of frames and of the training.
    resume : bool, optional
        Whether to go on with a run in ``out`` that was interrupted or stopped by
        ``minutes``; the other arguments must be those it began with. The
        default is `False`.
    overwrite : bool, optional
        Whether to replace what is in ``out``. The default is `False`.
    progress_bar : bool, optional
        Whether to show progress bars and to print the report. The default is
        `True`.

    Returns
    -------
    model : `~photutils_rcnn.models.model.Model`
        The model. ``model.settings['fine_tuning']`` has the figures before and
        after, see `~photutils_rcnn.training.held_out.held_out_figures`.

    Raises
    ------
    OSError, TypeError, ValueError
        If an argument does not fit, or ``out`` has a model or a run.

    Warns
    -----
    AstropyUserWarning
        If nothing was better than the initial model.
    """
    from photutils_rcnn.training.fine_tuning_run import FineTuningRun

    for name, value, largest in (('held_out', held_out, 1), ('minutes', minutes, None)):
        good = isinstance(value, Real) and value > 0
        if not (good and (largest is None or value < largest)):
            bound = '' if largest is None else f' and below {largest}'
            msg = f'{name} must be a number above 0{bound}, got {value!r}'
            raise ValueError(msg)
    if unlabelled not in ('ignore', 'background'):
        msg = f"unlabelled must be 'ignore' or 'background', got {unlabelled!r}"
        raise ValueError(msg)
    if len(scenes) < 2:
        msg = ('images must be two frames or more, as some are held out, got '
               f'{len(scenes)}; a large one can be cut into parts')
        raise ValueError(msg)
    end = time.monotonic() + 60 * minutes
    run = FineTuningRun(Path(out), initial, held_out=held_out, unlabelled=unlabelled,
                        seed=seed, batch_size=batch_size, stages=stages,
                        progress_bar=progress_bar)
    run.open(len(scenes), resume=resume, overwrite=overwrite)
    run.prepare(scenes)
    finished = run.train(TRAINING_PART * (end - time.monotonic()))
    model = run.finish(end - time.monotonic(), finished)
    if progress_bar:
        print(model.settings['fine_tuning']['report'])
    return model
