# Licensed under a 3-clause BSD style license - see LICENSE
"""
Skies with structure: what is labelled on them, and what is found.

Fringes, straight and curved, smooth random fields, steps and a bowl are added to an
empty sky and to simulated DECam scenes in one band, in units of the noise. photutils'
``SourceFinder`` (kernel of 3 pixels, 10 pixels, 1.5 sigma above the median of the
frame) runs beside.
"""

import argparse
import warnings

import numpy as np
from astropy.convolution import convolve
from astropy.table import Table
from photutils.segmentation import SourceFinder, make_2dgaussian_kernel
from scipy import ndimage
from scipy.spatial import KDTree

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.simulation import make_scene

SHAPE = (400, 400)
SEED = 777001
BAND = 1


def structures():
    """
    The structures by name, in units of the noise.
    """
    y, x = np.mgrid[:SHAPE[0], :SHAPE[1]]
    noise = np.random.default_rng(1).normal(size=SHAPE)
    found = {'none': np.zeros(SHAPE)}
    for amplitude in (0.3, 0.5, 1, 2):
        for period in (20, 60, 200):
            found[f'fringes {amplitude} {period}'] = amplitude * np.sin(
                2 * np.pi * (x * np.cos(0.3) + y * np.sin(0.3)) / period)
        # The period grows from 20 to 40 pixels across the frame.
        found[f'curved fringes {amplitude} 20-40'] = amplitude * np.sin(
            2 * np.pi * (x / 20 - x**2 / 32000 + y**2 / 16000))
    for rms in (0.2, 0.5, 1, 2):
        for scale in (4, 12, 40):
            field = ndimage.gaussian_filter(noise, scale, mode='wrap')
            found[f'smooth {rms} {scale}'] = rms * field / field.std()
    found['steps 1.5 100'] = np.where(x // 100 % 2, 1.5, 0.)
    found['checks 0.7 20'] = 0.7 * np.sign(
        np.sin(np.pi * x / 20) * np.sin(np.pi * y / 20))
    found['bowl 5'] = 20 * ((x / SHAPE[1] - 0.5)**2 + (y / SHAPE[0] - 0.5)**2)
    return found


def labelled_by_threshold(image, noise):
    """
    The part of an image that a threshold labels.
    """
    smooth = convolve(image - np.median(image),
                      make_2dgaussian_kernel(3.0, size=5))
    segm = SourceFinder(10, progress_bar=False)(smooth, 1.5 * noise)
    return 0. if segm is None else float((segm.data > 0).mean())


def rates(result, scene):
    """
    Which true sources that count are found, and which detections are true, by
    masks (IoU above .3) or positions (3 pixels).
    """
    found = result.instances
    overlaps = mask_overlaps(found.footprints(), scene.footprints)
    good = overlaps.iou > 0.3
    positions = np.transpose([scene.truth['x'], scene.truth['y']])
    true = KDTree(positions).query(found.centers)[0] < 3
    seen = KDTree(found.centers).query(positions)[0] < 3
    true[overlaps.detection[good]] = True
    seen[overlaps.truth[good]] = True
    return seen[~np.asarray(scene.truth['ignore'])], true


def main():
    """
    Print the table.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--scenes', type=int, default=3)
    parser.add_argument('--only', nargs='+', default=[''], metavar='TEXT',
                        help='structures whose names hold one of these')
    args = parser.parse_args()
    warnings.simplefilter('ignore')
    segmenter = RCNNSegmenter()
    scenes = [make_scene('decam', SEED + i, shape=SHAPE)
              for i in range(args.scenes)]
    empty = np.random.default_rng(0).normal(1000, 10, SHAPE)
    rows = []
    for name, structure in structures().items():
        if not any(text in name for text in args.only):
            continue
        image = empty + 10 * structure
        seen, true = [], []
        for scene in scenes:
            data = scene.data[BAND] + scene.noise[BAND] * structure
            of_scene = rates(segmenter.segment(data), scene)
            seen.append(of_scene[0])
            true.append(of_scene[1])
        rows.append({
            'structure': name,
            'labelled': (segmenter.segment(image).labels > 0).mean(),
            'photutils': labelled_by_threshold(image, 10),
            'complete': np.concatenate(seen).mean(),
            'pure': np.concatenate(true).mean()})
        print(rows[-1]['structure'], flush=True)
    table = Table(rows)
    for column in table.colnames[1:]:
        table[column].format = '.3f'
    table.pprint(max_lines=-1)


if __name__ == '__main__':
    main()
