# Licensed under a 3-clause BSD style license - see LICENSE
"""
The calibration error of mask pixels on simulated scenes.

For each preset, over the detections that match a source: how far the probability of a
pixel is from the part of such pixels that lie within the true footprint, with masks
as the network gives them and calibrated. Seeds below 7000000 may be those of training.
"""

import argparse

import numpy as np

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.simulation.make import make_scene
from photutils_rcnn.training.calibration import collect_outcomes
from photutils_rcnn.training.mask_calibration import mask_calibration_error

N_SCENES = {'universal': 24, 'decam': 6, 'sdss': 8, 'hsc': 6}


def outcomes(preset, seed, *, calibrated):
    """
    What the segmenter says of the pixels of the scenes of a preset.
    """
    segmenter = RCNNSegmenter()
    if not calibrated:
        segmenter.model.settings['calibration']['mask_scale'] = 1.
    scenes = (make_scene(preset, seed + i) for i in range(N_SCENES[preset]))
    return collect_outcomes(segmenter, scenes)['mask_counts']


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=9_100_000)
    seed = parser.parse_args().seed
    print('preset      sources  as given  calibrated')
    together = []
    for number, preset in enumerate(N_SCENES):
        counts = [outcomes(preset, seed + 1000 * number, calibrated=calibrated)
                  for calibrated in (False, True)]
        together.append(counts)
        print_row(preset, counts)
    print_row('all', [np.concatenate(counts) for counts in zip(*together, strict=True)])


def print_row(name, counts):
    """
    One line of the table.
    """
    n = np.count_nonzero(counts[0].any(axis=(1, 2)))
    errors = '    '.join(f'{mask_calibration_error(some):.4f}' for some in counts)
    print(f'{name:10} {n:8}    {errors}', flush=True)


if __name__ == '__main__':
    main()
