# Licensed under a 3-clause BSD style license - see LICENSE
"""
Star-galaxy separation: how well it could be done, beside how well a model does it.

The limit is the likelihood ratio of an observer who knows the PSF, the noise, the position,
the magnitude and the light of all neighbors exactly, and the population of galaxies by many
of its members: the mean likelihood under galaxies of that magnitude over the likelihood under
the PSF, with a free flux in each band. No colours are used, as images need no calibration.
No method can do better from pixels alone; the shot noise of the sources is left out.
"""

import argparse

import numpy as np
from astropy.table import Table, vstack
from scipy import fft
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score
from tqdm.auto import tqdm

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation.matching import match_overlaps
from photutils_rcnn.evaluation.overlaps import mask_overlaps
from photutils_rcnn.simulation.layout import draw_population
from photutils_rcnn.simulation.make import make_scene, point_spreads_of
from photutils_rcnn.simulation.presets import draw_settings
from photutils_rcnn.simulation.rendering import Renderer
from photutils_rcnn.sources.classes import GALAXY, STAR

FIRST_SEED = 14_500_000
TEMPLATE_SEED = 14_600_000
SIDE = 41  # pixels
N_TEMPLATES = 1500  # galaxies of other scenes
N_SIMILAR = 150  # of them, the nearest in magnitude
MIN_IOU = 0.5
LEAST_RESPONSE = 0.05  # of the kernel that correlates the noise


def draw_central(renderer, population, i, fluxes, rng):
    """
    The light of a source in the middle of a stamp, of shape (n_bands, SIDE, SIDE).
    """
    one = population[[i]]
    one.x[:] = one.y[:] = SIDE // 2
    stamp = renderer.draw(one, 0, fluxes[i], rng)
    light = np.zeros((len(fluxes[i]), SIDE, SIDE))
    if stamp is not None:
        light[:, *stamp.slices] = stamp.light
    return light


def whitened(light, kernel):
    """
    Light filtered such that the correlated noise that comes with it is white.
    """
    response = np.multiply.outer(np.abs(fft.fft(kernel[0], SIDE)),
                                 np.abs(fft.fft(kernel[1], SIDE)))
    return fft.ifft2(fft.fft2(light) / np.maximum(response, LEAST_RESPONSE)).real


def template_galaxies(preset):
    """
    Galaxies of other scenes of the preset.
    """
    found, seed = [], TEMPLATE_SEED
    while sum(map(len, found)) < N_TEMPLATES:
        rng = np.random.default_rng(seed)
        population = draw_population(draw_settings(preset, rng), rng)
        found.append(population[population.class_id == GALAXY])
        seed += 1
    return type(found[0]).concatenate(found)[:N_TEMPLATES]


def log_evidence(stamps, templates, sigma):
    """
    Logarithm of the likelihood of stamps under templates, over that of an empty sky, with a
    flat prior on the flux of each band; of shape (n_stamps, n_templates).
    """
    weighted = [t.reshape(len(t), -1) / s for t, s in zip(templates, sigma, strict=True)]
    observed = [d.reshape(len(d), -1) / s for d, s in zip(stamps, sigma, strict=True)]
    total = 0.
    for t, d in zip(weighted, observed, strict=True):
        norm = np.sqrt((t**2).sum(axis=1))
        total = total + np.maximum(d @ t.T / norm, 0)**2 / 2 - np.log(norm)
    return total


def judge(scene, segmenter, galaxies, preset):
    """
    True class, S/N, `prob_star` and the log likelihood ratio of a star for the sources that
    the model finds.
    """
    rng = np.random.default_rng(scene.seed)
    settings = draw_settings(preset, rng)
    population = draw_population(settings, rng)
    sigma = np.sqrt(settings.variance)
    renderer = Renderer(point_spreads_of(settings), settings.zero_points, sigma,
                        (SIDE, SIDE), None)
    result = segmenter.segment(scene.data, mask=scene.mask, bands=scene.bands)
    ignore = np.asarray(scene.truth['ignore'])
    matches = match_overlaps(
        mask_overlaps(result.footprints, scene.footprints, ignore=ignore),
        result.instances.scores, MIN_IOU, ignore=ignore)
    pairs = [(j, i) for j, i in enumerate(matches.truth_of_detection) if i >= 0]
    fluxes, template_fluxes = renderer.fluxes(population), renderer.fluxes(galaxies)
    star = int(np.flatnonzero(population.class_id == STAR)[0])
    psf = draw_central(renderer, population, star, np.ones_like(fluxes), rng)[:, None]
    psf /= psf.sum(axis=(2, 3), keepdims=True)
    drawn = np.stack([draw_central(renderer, galaxies, k, template_fluxes, rng)
                      for k in range(len(galaxies))], axis=1)
    drawn /= np.maximum(drawn.sum(axis=(2, 3), keepdims=True), 1e-9)
    psf, drawn = (whitened(light, settings.kernel) for light in (psf, drawn))
    b = settings.reference_index
    rows = []
    for j, i in pairs:
        source = scene.truth[i]
        own = int(np.argmin(np.hypot(population.x - source['x'], population.y - source['y'])))
        light = whitened(draw_central(renderer, population, own, fluxes, rng), settings.kernel)
        noise = rng.normal(size=light.shape) * sigma[:, None, None]
        stamp = (light + noise)[:, None]
        apart = galaxies.magnitudes[:, b] - population.magnitudes[own, b]
        similar = np.argsort(np.abs(apart))[:N_SIMILAR]
        galaxy = logsumexp(log_evidence(stamp, drawn[:, similar], sigma)[0]
                           ) - np.log(N_SIMILAR)
        ratio = log_evidence(stamp, psf, sigma)[0, 0] - galaxy
        rows.append((population.class_id[own] == STAR, source['snr'], source['blendedness'],
                     result.table['prob_star'][j], ratio))
    return Table(rows=rows, names=('star', 'snr', 'blendedness', 'prob_star', 'ratio'))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('preset')
    parser.add_argument('--scenes', type=int, default=8)
    parser.add_argument('--model', default='default')
    args = parser.parse_args()
    segmenter, galaxies = RCNNSegmenter(args.model), template_galaxies(args.preset)
    table = vstack([
        judge(make_scene(args.preset, FIRST_SEED + n), segmenter, galaxies, args.preset)
        for n in tqdm(range(args.scenes), unit='scene')])
    print(f'{"S/N":>10} {"sources":>8} {"stars":>6}  AUC: model  limit')
    for low, high in ((5, 10), (10, 15), (15, 30), (30, 100), (100, 1e9), (15, 1e9), (0, 1e9)):
        rows = table[(table['snr'] >= low) & (table['snr'] < high)]
        n_stars = np.count_nonzero(rows['star'])
        if 0 < n_stars < len(rows):
            print(f'{low:4.0f}-{high:<5.3g} {len(rows):8} {n_stars:6}       '
                  f'{roc_auc_score(rows["star"], rows["prob_star"]):.3f}  '
                  f'{roc_auc_score(rows["star"], rows["ratio"]):.3f}')


if __name__ == '__main__':
    main()
