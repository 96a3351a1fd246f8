# Licensed under a 3-clause BSD style license - see LICENSE
"""
Options that several commands share.
"""

__all__ = ['add_model_options', 'make_segmenter']


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
    parser.add_argument('--quiet', action='store_true', help=quiet)


def make_segmenter(args, **options):
    """
    The segmenter that the options describe.

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
    """
    from photutils_rcnn import RCNNSegmenter

    return RCNNSegmenter(args.model, **{
        'score_threshold': args.score_threshold,
        'nms_threshold': args.nms_threshold, 'tile_size': args.tile_size,
        'progress_bar': not args.quiet, **options})
