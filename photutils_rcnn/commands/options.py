# Licensed under a 3-clause BSD style license - see LICENSE
"""
Options that several commands share.
"""

__all__ = ['add_model_options', 'make_segmenter', 'segmenter_options']

from photutils_rcnn._quiet import starting
from photutils_rcnn.models.runtime import RUNTIMES


def add_model_options(parser, quiet='no progress bar and no summary'):
    """
    Declare the options of the segmenter.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of the command.
    quiet : str, optional
        What ``--quiet`` leaves out.
    """
    parser.add_argument('--model', default='default',
                        help='shipped model, folder of one, or weights of '
                        'Astro R-CNN (.h5) (default: %(default)s)')
    parser.add_argument('--score-threshold', type=float, metavar='P',
                        help="minimum score (default: the model's)")
    parser.add_argument('--nms-threshold', type=float, metavar='IOU',
                        help='boxes that overlap by more (intersection over '
                        "union) are duplicates (default: the model's)")
    parser.add_argument('--tile-size', type=int, metavar='PIXELS',
                        help='side of the tiles (default: chosen for the '
                        'frame)')
    parser.add_argument('--star-fraction', default='auto', metavar='FRACTION',
                        help="fraction of stars among the sources: 'auto', 'none' "
                        'for that of the training, or a number between 0 and 1 '
                        '(default: %(default)s)')
    parser.add_argument('--runtime', choices=RUNTIMES, default='auto',
                        help="what runs the network; 'auto' is OpenVINO if it is "
                        'installed, else Keras (default: %(default)s)')
    parser.add_argument('--quiet', action='store_true', help=quiet)


def segmenter_options(args):
    """
    The options of `~photutils_rcnn.RCNNSegmenter` of a command line.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.

    Returns
    -------
    options : dict
        The options.

    Raises
    ------
    ValueError
        If the fraction of stars is out of range.
    """
    return {'model': args.model, 'score_threshold': args.score_threshold,
            'nms_threshold': args.nms_threshold, 'tile_size': args.tile_size,
            'star_fraction': _star_fraction(args.star_fraction), 'runtime': args.runtime,
            'progress_bar': not args.quiet}


def make_segmenter(args, **options):
    """
    The segmenter that the options describe, with its network.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed options.
    **options
        Further options of `~photutils_rcnn.RCNNSegmenter`, which win.

    Returns
    -------
    segmenter : `~photutils_rcnn.RCNNSegmenter`
        The segmenter.

    Raises
    ------
    ImportError
        If the runtime is not installed.
    ValueError
        If an option is out of range.
    """
    from photutils_rcnn import RCNNSegmenter

    segmenter = RCNNSegmenter(**{**segmenter_options(args), **options})
    with starting():
        segmenter.model.detector  # noqa: B018
    return segmenter


def _star_fraction(text):
    if text in ('auto', 'none'):
        return None if text == 'none' else text
    try:
        fraction = float(text)
    except ValueError:
        fraction = -1.
    if not 0 <= fraction <= 1:
        msg = ("--star-fraction must be 'auto', 'none' or a number between 0 and "
               f'1, got {text!r}')
        raise ValueError(msg)
    return fraction
