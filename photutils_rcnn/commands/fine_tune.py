# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn fine-tune`` command.
"""

__all__ = ['add_arguments', 'run']

import logging
import math
from pathlib import Path


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('frames', type=Path, metavar='FOLDER',
                        help='folder of scenes (*.npz), folder of sets of Astro R-CNN '
                        '(set_N), or a file or folder of COCO annotations (*.json) beside '
                        'their FITS images')
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER',
                        help='folder of the new model')
    parser.add_argument('--initial', default='default',
                        help='model to begin with, a name or a folder (default: '
                        '%(default)s)')
    parser.add_argument('--held-out', type=float, default=0.25, metavar='FRACTION',
                        help='fraction of the frames that is not trained on (default: '
                        '%(default)s)')
    parser.add_argument('--unlabelled', choices=['ignore', 'background'],
                        default='ignore', help='what sources without a label are '
                        '(default: %(default)s)')
    parser.add_argument('--minutes', type=float, default=math.inf,
                        help='stop after so many minutes, with the best model so far')
    parser.add_argument('--seed', type=int, default=0,
                        help='seed of the choice of frames and of the training (default: '
                        '%(default)s)')
    group = parser.add_mutually_exclusive_group()
    group.add_argument('--resume', action='store_true',
                       help='go on with the run in the folder of the new model')
    group.add_argument('--overwrite', action='store_true',
                       help='replace a model or a run in this folder')
    parser.add_argument('--quiet', action='store_true',
                        help='no progress bars and no report')


def run(args):
    """
    Train a model further on the labelled frames of a folder.

    Returns
    -------
    status : int
        0, also if nothing was better than the initial model; a warning then says so.

    Raises
    ------
    OSError, ValueError
        If an option or a file does not fit.
    """
    from photutils_rcnn.commands.labelled_frames import open_frames
    from photutils_rcnn.training import fine_tune_scenes

    if not args.quiet:
        logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    fine_tune_scenes(
        open_frames(args.frames), args.out, initial=args.initial, held_out=args.held_out,
        minutes=args.minutes, unlabelled=args.unlabelled, seed=args.seed,
        resume=args.resume, overwrite=args.overwrite, progress_bar=not args.quiet)
    return 0
