# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn evaluate`` command.
"""

__all__ = ['add_arguments', 'count_known', 'run']

import warnings
from pathlib import Path

from astropy.utils.exceptions import AstropyUserWarning

from photutils_rcnn._files import open_npz
from photutils_rcnn._wording import count
from photutils_rcnn.commands.options import add_model_options, make_segmenter


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('scenes', type=Path, metavar='DIR',
                        help='folder of scenes (photutils-rcnn simulate '
                        'writes them)')
    parser.add_argument('-o', '--output', type=Path, metavar='DIR',
                        help='folder for tables and figures')
    parser.add_argument('--protocol', choices=['all', 'paper', 'coco'],
                        default='all', help='tables to print (default: '
                        '%(default)s)')
    parser.add_argument('--baselines', choices=['default', 'grid', 'none'],
                        default='default', help='also run photutils and '
                        'sep, with their defaults or also on a grid of '
                        'kernels, thresholds and contrasts (default: '
                        '%(default)s)')
    parser.add_argument('--limit', type=int, metavar='N',
                        help='number of scenes (default: all)')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace an existing report')
    add_model_options(parser, quiet='no progress bar')


def run(args):
    """
    Evaluate a model on scenes with known truth.

    Raises
    ------
    OSError
        If there are no scenes or the report exists.
    ValueError
        If an option is out of range or a file is no scene.

    Warns
    -----
    AstropyUserWarning
        If a scene has no valid pixels or its pixels cannot be read; it is
        left out. If the model was trained or calibrated on scenes of the
        same preset and seed.
    """
    from photutils.utils.exceptions import NoDetectionsWarning

    from photutils_rcnn.evaluation import evaluate
    from photutils_rcnn.evaluation.report import check_folder
    from photutils_rcnn.evaluation.runner import LOWEST_SCORE

    if args.output is not None:
        check_folder(args.output, overwrite=args.overwrite)
    if args.limit is not None and args.limit < 1:
        msg = f'--limit must be at least 1, got {args.limit}'
        raise ValueError(msg)
    cut = args.score_threshold
    if cut is not None and not 0 <= cut <= 1:
        msg = f'--score-threshold must be between 0 and 1, got {cut}'
        raise ValueError(msg)
    files = sorted(args.scenes.glob('*.npz'))[:args.limit]
    if not files:
        msg = f'{args.scenes}: no scenes (*.npz) in the folder'
        raise FileNotFoundError(msg)
    for path in files:
        _check_scene(path)
    lowest = LOWEST_SCORE if cut is None else min(LOWEST_SCORE, cut)
    segmenter = make_segmenter(args, score_threshold=lowest,
                               progress_bar=False)
    if cut is None:
        cut = segmenter.model.thresholds['score']
    n_known = count_known(files, segmenter.model.settings)

    def segment(scene):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NoDetectionsWarning)
            return segmenter.segment(scene.data, mask=scene.mask,
                                     bands=scene.bands)

    scenes = _Scenes(files)
    report = evaluate(
        segment, scenes, score_threshold=cut,
        baselines=None if args.baselines == 'none' else args.baselines,
        progress_bar=not args.quiet)
    if scenes.n_left_out:
        report.meta['n_left_out'] = scenes.n_left_out
    if n_known:
        report.meta['n_known'] = n_known
    print(report.format(args.protocol))
    if args.output is not None:
        report.write(args.output, figures=True, overwrite=args.overwrite)
    return 0


def count_known(files, settings):
    """
    How many scenes a model has seen.

    Parameters
    ----------
    files : list of `~pathlib.Path`
        The files of the scenes, whose names tell preset and seed.
    settings : dict
        The settings of the model.

    Returns
    -------
    n_known : int
        The number of them in its training or calibration.

    Warns
    -----
    AstropyUserWarning
        If there are any.
    """
    from photutils_rcnn.simulation.file_names import count_shared

    training = settings.get('training', {})
    n_known = count_shared(files, [
        part for kind in ('training_scenes', 'validation_scenes')
        for part in training.get(kind, [])])
    if n_known:
        msg = (f'{n_known} of {count(len(files), "scene")} served to train or '
               f'calibrate the model: it is worse than the figures say')
        warnings.warn(msg, AstropyUserWarning, stacklevel=3)
    return n_known


def _check_scene(path):
    """
    Refuse a file that is no scene, from its list of arrays and one of them.
    """
    with open_npz(path, 'scene file') as arrays:
        missing = {'data', 'mask', 'truth_x'}.difference(arrays.files)
        if missing:
            msg = f'it has no {", ".join(sorted(missing))}'
            raise ValueError(msg)
        arrays['reference_band']
        fwhm = arrays['psf_fwhm']
    if not (fwhm > 0).all():
        msg = (f'{path}: the PSF of a scene must be known to evaluate, as '
               'separations are in units of its FWHM; psf_fwhm is '
               f'{fwhm.tolist()}')
        raise ValueError(msg)


class _Scenes:
    """
    Scenes read one at a time, with a length for the progress bar.

    Those that cannot be used are left out: the first hours of a long run
    should not be lost for one of the last files.
    """

    def __init__(self, files):
        self._files = files
        self.n_left_out = 0

    def __len__(self):
        return len(self._files)

    def __iter__(self):
        from photutils_rcnn.evaluation.baselines import valid_bands
        from photutils_rcnn.simulation.scene import Scene

        for path in self._files:
            try:
                scene = Scene.read(path)
                if not any(True for _ in valid_bands(scene)):
                    msg = f'{path} has no valid pixels'
                    raise ValueError(msg)
            except (OSError, ValueError) as exc:
                self.n_left_out += 1
                msg = f'a scene is left out: {exc}'
                warnings.warn(msg, AstropyUserWarning, stacklevel=2)
                continue
            yield scene
