# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fluxes of blended sources, beside photutils and sep.

Simulated scenes: all methods get the same pixels, in one run, without the background that
the package estimates (a mesh of 64 pixels, made without knowing sources, takes more than 5
percent of the light of isolated galaxies), each with its own detections, and all know that
one unit is one electron. Fluxes are compared with the true total ones. photutils
(``SourceFinder``, Kron fluxes of ``SourceCatalog``) and sep (``extract``, Kron ellipses as
``MAG_AUTO``) run with the defaults of `photutils_rcnn.evaluation.baselines`; shapes and
apertures are those of the detection image. Detections are matched to the truth within one
FWHM, the closest first. The tables are of the sources that all methods find, unsaturated and
of a signal-to-noise ratio of more than 20 (colors: 30) in all bands together; the last columns
are of all that the package finds, to which the closest blends belong.

With ``--injected`` the sources injected in real HSC blends, see ``real_samples.py``.
"""

import argparse
import time
import warnings

import numpy as np
from astropy.table import Table
from real_samples import BANDS, data_folder, read_sample

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation.baselines import DetectionImage
from photutils_rcnn.evaluation.fluxes import kron_photutils, kron_sep, result_fluxes
from photutils_rcnn.evaluation.matching import match_positions
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.sources.classes import STAR

PRESETS = ('decam', 'hsc', 'lsst', 'sdss')
FIRST_SEED = 9_800_000
WARM_UP_SEED = 9_799_999
LEAST_SNR, LEAST_SNR_COLOR = 20., 30.
INJECTED_ZERO_POINT, INJECTED_RADIUS = 27.0, 3.0


def measure_result(result):
    """
    The three fluxes of the package.
    """
    return {name: result_fluxes(result, kind) for name, kind in (
        ('deblended', 'deblended'), ('Kron', 'kron'), ('segment', 'segment'))}


def subtracted(scene, result):
    """
    The background-subtracted bands, and the noise of the sky.
    """
    bad = ~np.isfinite(scene.data) | scene.mask
    data = np.where(bad, np.nan, scene.data - result.background).astype(float)
    return data, np.array(np.broadcast_to(result.noise, data.shape), dtype=float)


def run_scene(scene, segmenter):
    """
    All methods on a scene; the times of segmentation and deblending.
    """
    start = time.perf_counter()
    result = segmenter.segment(scene.data, mask=scene.mask, bands=scene.bands, gain=1.0)
    middle = time.perf_counter()
    _ = result.deblended
    end = time.perf_counter()
    measured = measure_result(result)
    data, noise = subtracted(scene, result)
    image = DetectionImage.from_arrays(data, noise, np.mean(scene.psf_fwhm), mask=scene.mask)
    measured['photutils'] = kron_photutils(image, data, noise)
    measured['sep'] = kron_sep(image, data, noise)
    return measured, (middle - start, end - middle)


class Comparison:
    """
    The fluxes of true sources by all methods; not a number for what they do not find.
    """

    def __init__(self, band):
        self.band = band
        self.truth, self.flux, self.error, self.times, self.n_found = [], {}, {}, [], {}

    def add(self, scene, measured, times):
        """
        Match the sources of a scene.
        """
        truth, n_bands = scene.truth, len(scene.bands)
        use = ~(truth['ignore'] | truth['saturated'])
        order = np.r_[scene.bands.index(self.band), :n_bands]
        self.times.append(times)
        self.truth.append({
            'use': np.asarray(use), 'snr': np.asarray(truth['snr']),
            'blendedness': np.asarray(truth['blendedness']),
            'star': np.asarray(truth['class_id'] == STAR),
            'flux': np.stack([truth[f'flux_{scene.bands[b]}'] for b in order], axis=1)})
        for name, found in measured.items():
            match = match_positions(
                found.x, found.y, truth['x'], truth['y'], float(np.mean(scene.psf_fwhm)),
                ignore=np.asarray(truth['ignore'])).detection_of_truth
            for store, values in ((self.flux, found.flux), (self.error, found.error)):
                store.setdefault(name, []).append(np.where(
                    (match >= 0)[:, None], values[match][:, order], np.nan))

    def tables(self):
        """
        Errors, errors in units of the quoted ones, scatter of colors, counts.
        """
        truth = {name: np.concatenate([part[name] for part in self.truth])
                 for name in self.truth[0]}
        flux, error = ({name: np.concatenate(parts) for name, parts in store.items()}
                       for store in (self.flux, self.error))
        bright = truth['use'] & (truth['snr'] > LEAST_SNR)
        found_by_all = np.all([np.isfinite(values).all(axis=1) for values in flux.values()],
                              axis=0)
        blended = truth['blendedness']
        samples = {'isolated': blended < 0.01, 'blended': blended > 0.05,
                   'strongly blended': blended > 0.2, 'stars': truth['star'],
                   'isolated stars': truth['star'] & (blended < 0.01),
                   'blended stars': truth['star'] & (blended > 0.05),
                   'galaxies': ~truth['star'],
                   'isolated galaxies': ~truth['star'] & (blended < 0.01),
                   'blended galaxies': ~truth['star'] & (blended > 0.05)}
        errors, pulls = [], []
        for sample, chosen in samples.items():
            some = chosen & bright & found_by_all
            errors.append({'sample': sample, 'n': np.count_nonzero(some)})
            pulls.append(dict(errors[-1]))
            for name, values in flux.items():
                errors[-1][name], pulls[-1][name] = _errors(
                    values[some, 0], error[name][some, 0], truth['flux'][some, 0])
            own = chosen & bright & np.isfinite(flux['deblended'][:, 0])
            found = _errors(*(values[own, 0] for values in (
                flux['deblended'], error['deblended'], truth['flux'])))
            for row, value in zip((errors[-1], pulls[-1]), found, strict=True):
                row.update({'all n': np.count_nonzero(own), 'all deblended': value})
        some = (samples['blended'] & truth['use'] & (truth['snr'] > LEAST_SNR_COLOR)
                & found_by_all)
        colors, counts = {'n': np.count_nonzero(some)}, {'n': np.count_nonzero(bright)}
        for name, values in flux.items():
            with np.errstate(all='ignore'):
                off = -2.5 * np.log10(values[some, 1] / values[some, 2]
                                      / truth['flux'][some, 1] * truth['flux'][some, 2])
            off = off[np.isfinite(off)]
            colors[name] = (f'{1.4826 * np.median(np.abs(off - np.median(off))):.3f}'
                            if len(off) else '--')
            counts[name] = np.count_nonzero(bright & np.isfinite(values[:, 0]))
        return Table(errors), Table(pulls), Table([colors]), Table([counts])


def _errors(flux, error, truth):
    """
    Relative errors in percent, and in units of the quoted ones.
    """
    relative, pull = 100 * (flux / truth - 1), (flux - truth) / error
    return (_pair(np.abs(relative), 50, relative, 1), _pair(np.abs(pull), 68, pull, 2))


def _pair(first, percentile, second, digits):
    """
    A percentile of one and the median of the other.
    """
    if len(first) == 0:
        return '--'
    return (f'{np.nanpercentile(first, percentile):.{digits}f} '
            f'({np.nanmedian(second):+.{digits}f})')


def compare(preset, n_scenes, band, segmenter):
    """
    Print the tables of a preset.
    """
    comparison = Comparison(band)
    for seed in range(FIRST_SEED, FIRST_SEED + n_scenes):
        scene = make_scene(preset, seed)
        comparison.add(scene, *run_scene(scene, segmenter))
    errors, pulls, colors, counts = comparison.tables()
    first, second = scene.bands[:2]
    ratio = np.median([after / before for before, after in comparison.times])
    print(f'\n{preset}, {n_scenes} scenes, {band}; time of deblending in units of segment: '
          f'{ratio:.2f}')
    for title, table in (
            ('median of |relative error|, percent (median of the error)', errors),
            ('68 percent of |error| are less than this many quoted errors (median)', pulls),
            (f'scatter of {first} - {second} of blended sources, magnitudes', colors),
            ('sources found', counts)):
        print(title)
        table.pprint(max_width=-1, align='>')


def compare_injected(segmenter):
    """
    Print the errors of injected sources, in magnitudes.
    """
    rows, stars = [], []
    for path in sorted(data_folder().glob('*.npz')):
        sample = read_sample(path)
        with np.load(path, allow_pickle=False) as file:
            truth = np.array([file['matched'][0][f'{band}magVar'] for band in BANDS])
            psf = list(file['psfs'])
        result = segmenter.segment(
            sample['data'], error=sample['error'], mask=sample['mask'], background=0,
            bands=BANDS, psf=psf)
        stars.append(sample['class_name'] == 'star')
        found = measure_result(result)
        distance = np.hypot(found['Kron'].x - sample['x'], found['Kron'].y - sample['y'])
        i = int(np.argmin(distance))
        with np.errstate(all='ignore'):
            rows.append([
                INJECTED_ZERO_POINT - 2.5 * np.log10(found[name].flux[i]) - truth
                if distance[i] < INJECTED_RADIUS else np.full(len(BANDS), np.nan)
                for name in ('deblended', 'Kron')])
    rows, stars = np.array(rows), np.array(stars)
    print(f'\n{len(rows)} samples, {np.count_nonzero(stars)} of them stars: median of |error|, '
          'magnitudes (median of the error)')
    table = []
    for k, name in enumerate(('deblended', 'Kron')):
        table.append({'flux': name})
        for b, band in enumerate(BANDS):
            off = rows[:, k, b]
            table[-1][band] = _pair(np.abs(off), 50, off, 3)
        table[-1]['all'] = _pair(np.abs(rows[:, k]).ravel(), 50, rows[:, k].ravel(), 3)
        table[-1]['stars'] = _pair(np.abs(rows[stars, k]).ravel(), 50,
                                   rows[stars, k].ravel(), 3)
    Table(table).pprint(max_width=-1, align='>')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='default')
    parser.add_argument('--preset', nargs='*', choices=PRESETS, default=PRESETS)
    parser.add_argument('--scenes', type=int, default=8, help='scenes for each preset')
    parser.add_argument('--band', default='r')
    parser.add_argument('--injected', action='store_true',
                        help='real HSC blends with injected sources as well')
    args = parser.parse_args()
    segmenter = RCNNSegmenter(args.model)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        if args.preset:  # the first use compiles the network
            segmenter.segment(make_scene(args.preset[0], WARM_UP_SEED).data)
        for preset in args.preset:
            compare(preset, args.scenes, args.band, segmenter)
        if args.injected:
            compare_injected(segmenter)


if __name__ == '__main__':
    main()
