# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn benchmark`` command.
"""

__all__ = ['add_arguments', 'run']

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from photutils_rcnn.commands.options import add_model_options, make_segmenter

# Neither in the training nor in the calibration of the shipped model.
SEED = 7_900_000
DEFAULT_PRESETS = ('decam', 'hsc', 'lsst', 'sdss', 'universal')


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('presets', nargs='*', metavar='PRESET',
                        help='presets of photutils_rcnn.simulation (default: '
                        f'{" ".join(DEFAULT_PRESETS)})')
    parser.add_argument('-o', '--output', type=Path, metavar='DIR',
                        help='folder for the table, benchmark.ecsv')
    parser.add_argument('--plot', action='store_true',
                        help='also draw the table, as benchmark.png in the folder')
    parser.add_argument('--scenes', type=int, default=5, metavar='N',
                        help='number of scenes of each preset (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=SEED,
                        help='seed of the first scene of each preset (default: %(default)s)')
    parser.add_argument('--shape', type=int, nargs=2, metavar=('NY', 'NX'),
                        help="shape of the scenes (default: the preset's)")
    parser.add_argument('--overwrite', action='store_true',
                        help='replace existing results')
    add_model_options(parser, quiet='no progress bar')


def run(args):
    """
    Simulate scenes and compare the package with photutils and sep on them.

    Raises
    ------
    ImportError
        If GalSim is not installed.
    OSError
        If a result exists.
    ValueError
        If an option is out of range, or there is no such preset.

    Warns
    -----
    AstropyUserWarning
        If the model was trained or calibrated on some of the scenes.
    """
    from astropy.table import vstack
    from tqdm.auto import tqdm

    from photutils_rcnn.commands.evaluate import count_known
    from photutils_rcnn.evaluation.benchmarking import benchmark
    from photutils_rcnn.evaluation.figures import draw_benchmark
    from photutils_rcnn.evaluation.formatting import format_benchmark
    from photutils_rcnn.simulation import PRESETS, make_scene
    from photutils_rcnn.simulation.file_names import scene_name

    presets = list(dict.fromkeys(args.presets or DEFAULT_PRESETS))
    unknown = [preset for preset in presets if preset not in PRESETS]
    if unknown:
        msg = f'PRESET must be one of {", ".join(PRESETS)}, got {unknown[0]!r}'
        raise ValueError(msg)
    if args.scenes < 1:
        msg = f'--scenes must be at least 1, got {args.scenes}'
        raise ValueError(msg)
    outputs = _outputs(args)
    segmenter = make_segmenter(args, progress_bar=False)
    seeds = range(args.seed, args.seed + args.scenes)
    n_known = count_known([Path(scene_name(preset, seed)) for preset in presets
                           for seed in seeds], segmenter.model.settings)
    overrides = {'shape': tuple(args.shape)} if args.shape else {}
    tables = []
    for preset in presets:
        scenes = [make_scene(preset, seed, **overrides)
                  for seed in tqdm(seeds, desc=f'simulating {preset}', disable=args.quiet)]
        table = benchmark(segmenter, scenes, progress_bar=not args.quiet)
        table.add_column([preset] * len(table), index=0, name='preset')
        tables.append(table)
    table = vstack(tables)
    table.meta.update(_provenance(args, segmenter, n_known))
    print('\n'.join([', '.join(f'{name} = {value}' for name, value in table.meta.items()),
                     '', *format_benchmark(table)]))
    if args.output is not None:
        table.write(outputs['ecsv'], overwrite=True)
        if args.plot:
            draw_benchmark(table, outputs['png'])
    return 0


def _outputs(args):
    """
    The files to write, none of which is there yet or needed.
    """
    if args.output is None:
        if args.plot:
            msg = '--plot needs a folder, --output, got none'
            raise ValueError(msg)
        return {}
    paths = {suffix: args.output / f'benchmark.{suffix}'
             for suffix in ['ecsv'] + ['png'] * args.plot}
    for path in paths.values():
        if path.exists() and not args.overwrite:
            msg = f'{path} exists; use --overwrite to replace it'
            raise FileExistsError(msg)
    args.output.mkdir(parents=True, exist_ok=True)
    return paths


def _provenance(args, segmenter, n_known):
    """
    What the figures depend on.
    """
    model = segmenter.model
    meta = {'model': model.name, 'model_sha256': model.sha256, 'runtime': model.runtime,
            'score_threshold': segmenter.score_threshold, 'n_scenes': args.scenes,
            'seed': args.seed, 'n_known': n_known, 'machine': platform.machine(),
            'n_cpus': os.cpu_count()}
    for package in ('photutils_rcnn', 'photutils', 'sep', 'galsim', 'openvino'):
        try:
            meta[f'{package}_version'] = version(package)
        except PackageNotFoundError:
            continue
    return meta
