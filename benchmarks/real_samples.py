# Licensed under a 3-clause BSD style license - see LICENSE
"""
Injected sources in real HSC blends: how many are found, and classified.

Each sample is a small grizy cut-out with one injected source of known
position and class. The folder is named by the environment variable
PHOTUTILS_RCNN_SHARED_DATA.
"""

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
from photutils.utils.exceptions import NoDetectionsWarning

from photutils_rcnn.evaluation.baselines import GRID_RUNS, DetectionImage

# bits of the LSST mask planes BAD, SAT and NO_DATA: no usable value
BAD_BITS = (1 << 0) | (1 << 1) | (1 << 8)
BANDS = ('g', 'r', 'i', 'z', 'y')


def data_folder():
    """
    The folder of the samples.
    """
    folder = Path(os.environ.get('PHOTUTILS_RCNN_SHARED_DATA', ''),
                  'hsc_injected_blends', 'set1')
    if not folder.is_dir():
        msg = f'no such folder: {folder} (set PHOTUTILS_RCNN_SHARED_DATA)'
        raise SystemExit(msg)
    return folder


def read_sample(path):
    """
    The arrays and the truth of one file.
    """
    with np.load(path, allow_pickle=False) as file:
        truth = file['matched'][0]
        variance = file['variance']
        mask = (file['mask'] & BAD_BITS) != 0
        mask |= ~(variance > 0).all(axis=0)
        return {'data': file['images'], 'mask': mask,
                'error': np.sqrt(np.where(variance > 0, variance,
                                          np.median(variance))),
                'fwhm': psf_fwhm(file['psfs']),
                'x': float(truth['x']), 'y': float(truth['y']),
                'class_name': truth['sourceType'].decode()}


def psf_fwhm(psfs):
    """
    The FWHM (pixels) of a Gaussian of the same effective area as the mean
    of the PSF images; the area of a Gaussian is 4 pi sigma**2.
    """
    psf = np.mean(psfs, axis=0)
    area = psf.sum()**2 / (psf**2).sum()
    return float(2 * np.sqrt(2 * np.log(2)) * np.sqrt(area / (4 * np.pi)))


def segment_rcnn(segmenter, sample):
    """
    Positions and classes found by the network.
    """
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', NoDetectionsWarning)
        result = segmenter.segment(sample['data'], error=sample['error'],
                                   mask=sample['mask'], background=0,
                                   bands=BANDS)
    table = None if result is None else result.table
    if table is None or len(table) == 0:
        return np.zeros(0), np.zeros(0), np.zeros(0, dtype=str)
    return (np.asarray(table['x'], float), np.asarray(table['y'], float),
            np.asarray(table['class_name'], str))


def nearest(x, y, sample):
    """
    The index of the nearest detection and its distance in pixels.
    """
    if len(x) == 0:
        return -1, np.inf
    distance = np.hypot(x - sample['x'], y - sample['y'])
    return int(distance.argmin()), float(distance.min())


def main():
    """
    Print the fractions.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--radius', type=float, default=3.0,
                        help='largest distance in pixels (default 3)')
    parser.add_argument('--model', help='model name or folder')
    parser.add_argument('--baselines-only', action='store_true')
    args = parser.parse_args()

    samples = [read_sample(path) for path in
               sorted(data_folder().glob('*.npz'))]
    is_star = np.array([s['class_name'] == 'star' for s in samples])
    print(f'{len(samples)} samples, {is_star.sum()} injected stars')

    def report(name, found, right=None):
        text = (f'{name:50s} found {found.mean():6.1%}   stars '
                f'{found[is_star].mean() if is_star.any() else np.nan:6.1%}'
                f'   galaxies {found[~is_star].mean():6.1%}')
        if right is not None:
            text += (f'   right class, of all {right.mean():6.1%}, of the '
                     f'found {right[found].mean():6.1%}')
        print(text)

    if not args.baselines_only:
        from photutils_rcnn import RCNNSegmenter

        segmenter = RCNNSegmenter(*([args.model] if args.model else []))
        found, right = np.zeros((2, len(samples)), dtype=bool)
        for i, sample in enumerate(samples):
            x, y, class_names = segment_rcnn(segmenter, sample)
            index, distance = nearest(x, y, sample)
            found[i] = distance <= args.radius
            right[i] = found[i] and (class_names[index]
                                     == sample['class_name'])
        report('photutils_rcnn', found, right)

    images = [DetectionImage.from_arrays(s['data'], s['error'], s['fwhm'],
                                         mask=s['mask']) for s in samples]
    for name, run in GRID_RUNS.items():
        found = np.zeros(len(samples), dtype=bool)
        for i, (image, sample) in enumerate(zip(images, samples,
                                                strict=True)):
            detections = run(image)
            found[i] = nearest(detections.x, detections.y,
                               sample)[1] <= args.radius
        report(name, found)


if __name__ == '__main__':
    main()
