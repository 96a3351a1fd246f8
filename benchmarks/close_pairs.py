# Licensed under a 3-clause BSD style license - see LICENSE
"""
Close pairs of simulated fields: photutils' deblend_sources and the network.

The field that comes with the package, and N more (one field has few close pairs).
"""

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
from astropy.table import QTable

from photutils_rcnn import RCNNSegmenter, evaluation
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.simulation.scene import Scene

BASELINES = {
    'SourceFinder, defaults': evaluation.DEFAULT_RUNS['photutils'],
    'SourceFinder, fainter and more splits': evaluation.GRID_RUNS[
        'photutils 3x3 n_sigma=1.5 contrast=0.001']}
FIRST_SEED = 7_100_000


def measure(segmenter, scenes):
    """
    The figures of all methods, from the tables of `evaluate`.
    """
    tables = evaluation.evaluate(
        lambda scene: segmenter.segment(scene.data, mask=scene.mask,
                                        bands=scene.bands),
        scenes, baselines=BASELINES,
        score_threshold=segmenter.score_threshold).tables()
    names = list(tables['summary']['method'])
    names[0] += f', {segmenter.model.name} {segmenter.model.sha256[:8]}'
    blend, total = tables['blends'], tables['summary']
    # of the matches whose masks overlap by half; the others know no classes
    accuracy = tables['classification']['accuracy'][0] / 100
    columns = {
        'both found': blend['both_found'], 'shredded': blend['shredded'],
        'completeness': total['completeness'], 'purity': total['purity'],
        'class right': [accuracy] + [np.nan] * len(BASELINES)}
    return QTable({'method': names, 'pairs': blend['n_pairs'], **{
        title: ['-' if np.isnan(value) else f'{100 * value:.1f}%'
                for value in values] for title, values in columns.items()}})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('-n', type=int, default=19, help='simulated fields')
    parser.add_argument('-o', '--output', type=Path, help='a CSV file')
    args = parser.parse_args()
    demo = Scene.read(files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
    table = measure(RCNNSegmenter(), [
        demo, *(make_scene('decam', FIRST_SEED + i) for i in range(args.n))])
    print(*table.pformat(max_lines=-1, max_width=-1), sep='\n')
    if args.output:
        table.write(args.output, overwrite=True)


if __name__ == '__main__':
    main()
