# Licensed under a 3-clause BSD style license - see LICENSE
"""
Close pairs of simulated fields: photutils' deblend_sources and the network.

The field that comes with the package, and N more with ``--simulate N`` (needs
GalSim; one field has few close pairs). Writes a table and a picture. Usage::

    python compare_deblending.py [--simulate N] [-o DIR]
"""

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
from astropy.table import QTable
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter, evaluation
from photutils_rcnn.plotting import rgb_image
from photutils_rcnn.simulation.scene import Scene
from photutils_rcnn.sources.classes import CLASS_COLORS

BASELINES = {
    'SourceFinder, defaults': evaluation.DEFAULT_RUNS['photutils'],
    'SourceFinder, fainter and more splits': evaluation.GRID_RUNS[
        'photutils 3x3 n_sigma=1.5 contrast=0.001']}


def blends(scene, n_blends, half):
    """
    The centers of the close pairs whose fainter member is brightest.
    """
    truth = scene.truth
    pairs = evaluation.close_pairs(
        truth['x'], truth['y'], 2 * scene.psf_fwhm.mean(),
        ignore=truth['ignore'] | truth['saturated'])
    pairs = pairs[np.argsort(-truth['snr'][pairs].min(axis=1))]
    centers = []
    for pair in pairs:
        x, y = truth['x'][pair].mean(), truth['y'][pair].mean()
        if all(max(abs(x - u), abs(y - v)) > half for u, v in centers):
            centers.append((x, y))
    return centers[:n_blends]


def picture(scene, result, n_blends=3, half=18):
    """
    Blends in rows; truth, deblend_sources and the network in columns.
    """
    deblended = evaluation.detect_photutils(
        evaluation.DetectionImage.from_scene(scene))
    use = ~scene.truth['ignore']
    panels = {'truth': (scene.footprints[use], scene.truth['class_id'][use]),
              'deblend_sources': (deblended.footprints, deblended.class_ids),
              f'photutils_rcnn, model {result.meta["model"]}': (
                  result.footprints, result.instances.class_ids)}
    centers, image = blends(scene, n_blends, half), rgb_image(result)
    figure, axes = plt.subplots(len(centers), 3, layout='constrained',
                                figsize=(7.5, 2.5 * len(centers)))
    colors = ('white', *CLASS_COLORS.values())
    for column, title in zip(axes.T, panels, strict=True):
        footprints, ids = panels[title]
        column[0].set_title(title, fontsize='medium')
        for (x, y), ax in zip(centers, column, strict=True):
            ax.imshow(image, origin='lower')
            for i in np.flatnonzero(footprints.areas):
                y1, x1, y2, x2 = footprints.boxes[i]
                ax.contour(range(x1 - 1, x2 + 1), range(y1 - 1, y2 + 1),
                           np.pad(footprints.masks[i], 1), [0.5],
                           colors=colors[ids[i]], linewidths=1.2)
            ax.set(xticks=[], yticks=[], xlim=(x - half, x + half),
                   ylim=(y - half, y + half))
    return figure


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--simulate', type=int, default=0, metavar='N')
    parser.add_argument('-o', '--output', type=Path, default=Path('.'))
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    segmenter, demo = RCNNSegmenter(), Scene.read(
        files('photutils_rcnn') / 'data' / 'demo' / 'field.npz')
    scenes = [demo]
    if args.simulate:
        from photutils_rcnn.simulation import make_scene

        scenes += [make_scene('decam', 7_100_000 + i)
                   for i in range(args.simulate)]
    table = measure(segmenter, scenes)
    print(*table.pformat(max_lines=-1, max_width=-1), sep='\n')
    table.write(args.output / 'compare_deblending.csv', overwrite=True)
    result = segmenter.segment(demo.data, mask=demo.mask, bands=demo.bands)
    picture(demo, result).savefig(args.output / 'compare_deblending.png',
                                  dpi=110)


if __name__ == '__main__':
    main()
