# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn evaluate`` command.
"""

__all__ = ['add_arguments', 'run']

import warnings
from pathlib import Path

from photutils_rcnn.commands.options import add_model_options, make_segmenter

LOWEST_SCORE = 0.05  # detections below do not enter any curve


def add_arguments(parser):
    """
    Declare the options of the command.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
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
                        'thresholds and contrasts (default: %(default)s)')
    parser.add_argument('--limit', type=int, metavar='N',
                        help='number of scenes (default: all)')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace an existing report')
    add_model_options(parser, quiet='no progress bar')


def run(args):
    """
    Evaluate a model on scenes with known truth.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.

    Returns
    -------
    status : int
        0.

    Raises
    ------
    OSError
        If there are no scenes or the report exists.
    ValueError
        If an option is out of range.
    """
    from photutils.utils.exceptions import NoDetectionsWarning

    from photutils_rcnn.evaluation import evaluate
    from photutils_rcnn.evaluation.report import check_folder
    from photutils_rcnn.simulation.scene import Scene

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
    lowest = LOWEST_SCORE if cut is None else min(LOWEST_SCORE, cut)
    segmenter = make_segmenter(args, score_threshold=lowest,
                               progress_bar=False)
    if cut is None:
        cut = segmenter.model.thresholds['score']

    def segment(scene):
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NoDetectionsWarning)
            return segmenter.segment(scene.data, mask=scene.mask,
                                     bands=scene.bands)

    report = evaluate(
        segment, _Scenes(files, Scene.read), score_threshold=cut,
        baselines=None if args.baselines == 'none' else args.baselines,
        progress_bar=not args.quiet)
    print(report.format(args.protocol))
    if args.output is not None:
        report.write(args.output, figures=True, overwrite=args.overwrite)
    return 0


class _Scenes:
    """
    Scenes read one at a time, with a length for the progress bar.
    """

    def __init__(self, files, read):
        self._files = files
        self._read = read

    def __len__(self):
        return len(self._files)

    def __iter__(self):
        return map(self._read, self._files)
