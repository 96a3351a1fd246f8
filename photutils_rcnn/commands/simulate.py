# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn simulate`` command.
"""

__all__ = ['add_arguments', 'run']

from pathlib import Path


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('preset', help="'universal', 'decam' or another "
                        'preset of photutils_rcnn.simulation')
    parser.add_argument('n_scenes', type=int, metavar='N',
                        help='number of scenes')
    parser.add_argument('output', type=Path, metavar='DIR',
                        help='folder for the scenes; those of the same preset '
                        'and seed that are there already are kept')
    parser.add_argument('--seed', type=int, default=0,
                        help='seed of the first scene (default: %(default)s; '
                        'scenes to evaluate the shipped model on begin at '
                        '7000000)')
    parser.add_argument('--shape', type=int, nargs=2, metavar=('NY', 'NX'),
                        help="shape of the frames (default: the preset's)")
    parser.add_argument('--processes', type=int, default=1, metavar='N',
                        help='number of processes (default: %(default)s)')
    parser.add_argument('--quiet', action='store_true',
                        help='no progress bar')


def run(args):
    """
    Simulate scenes.
    """
    from photutils_rcnn.simulation import simulate_scenes

    overrides = {'shape': tuple(args.shape)} if args.shape else {}
    simulate_scenes(args.preset, args.n_scenes, args.output, seed=args.seed,
                    n_processes=args.processes, progress_bar=not args.quiet,
                    **overrides)
    return 0
