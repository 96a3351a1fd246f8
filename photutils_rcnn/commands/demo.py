# Licensed under a 3-clause BSD style license - see LICENSE
"""
The ``photutils-rcnn demo`` command: a simulated field with known truth.
"""

__all__ = ['add_arguments', 'format_summary', 'run']

from importlib import resources
from pathlib import Path

from photutils_rcnn._wording import count
from photutils_rcnn.commands.options import add_model_options, make_segmenter
from photutils_rcnn.commands.outputs import check_outputs, output_paths, write_outputs


def add_arguments(parser):
    """
    Declare the options of the command.
    """
    parser.add_argument('-o', '--output', type=Path, metavar='DIR',
                        default=Path('demo-out'),
                        help='folder for the results (default: %(default)s)')
    parser.add_argument('--simulate', type=int, metavar='SEED',
                        help='simulate another field instead of the shipped '
                        'one; needs GalSim')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace existing results')
    add_model_options(parser)


def run(args):
    """
    Segment the demonstration field and compare with its truth.
    """
    paths = output_paths(args.output, 'demo')
    check_outputs(paths, overwrite=args.overwrite)
    scene = _scene(args.simulate)
    result = make_segmenter(args).segment(scene.data, mask=scene.mask,
                                          bands=scene.bands)
    written = write_outputs(paths, result)
    if not args.quiet:
        print(format_summary(scene, result))
        for path in written.values():
            print(path)
    return 0


def _scene(seed):
    """
    The shipped field, or a simulated one.
    """
    if seed is None:
        from photutils_rcnn.simulation.scene import Scene

        folder = resources.files('photutils_rcnn') / 'data' / 'demo'
        return Scene.read(next(item for item in folder.iterdir()
                               if item.name.endswith('.npz')))
    from photutils_rcnn.simulation import make_scene

    return make_scene('decam', seed)


def format_summary(scene, result):
    """
    Completeness and purity of a result against the truth of its scene.

    Positions are matched one to one
    (`~photutils_rcnn.evaluation.matching.match_positions`); true sources too
    faint to be found count neither way.

    Parameters
    ----------
    scene : `~photutils_rcnn.simulation.scene.Scene`
        The scene.
    result : `~photutils_rcnn.RCNNResult`
        The result.

    Returns
    -------
    text : str
        The summary.
    """
    from photutils_rcnn.evaluation.detections import Detections
    from photutils_rcnn.evaluation.records import TruthRecord, record_scene
    from photutils_rcnn.sources.classes import CLASS_IDS

    truth = TruthRecord.from_scene(scene)
    record = record_scene(scene, truth, Detections.from_result(result))
    match = record.matches.detection_of_truth
    ny, nx = scene.footprints.shape
    lines = [f'{count(len(scene.bands), "band")} ({", ".join(scene.bands)}) of '
             f'{nx} x {ny} pixels: {count(len(record.scores), "source")} found',
             f'{(~record.counted).sum()} of these too faint, or too near brighter ones, in the '
             'truth to count',
             f'{"":>8} {"true":>6} {"found":>6} {"complete":>9} {"pure":>6} '
             f'{"class right":>12}']
    groups = {'all': (~truth.ignore, record.counted)}
    for name, class_id in CLASS_IDS.items():
        groups[name] = (~truth.ignore & (truth.class_ids == class_id),
                        record.counted & (record.class_ids == class_id))
    for name, (true, detected) in groups.items():
        found = true & (match >= 0)
        right = (record.class_ids[match[found]]
                 == truth.class_ids[found]).sum()
        hits = (record.matches.hits & detected).sum()
        lines.append(f'{name:>8} {true.sum():>6} {found.sum():>6} '
                     f'{_percent(found.sum(), true.sum()):>9} '
                     f'{_percent(hits, detected.sum()):>6} '
                     f'{_percent(right, found.sum()):>12}')
    return '\n'.join(lines)


def _percent(part, whole):
    return f'{100 * part / whole:.1f}%' if whole else '-'
