# Licensed under a 3-clause BSD style license - see LICENSE
"""
A head of your own: photometric redshifts
=========================================

A small network on top of the shipped one learns redshifts from five bands.

An attribute head (:doc:`/attributes`) sees the pixels of each source and what the trunk of the
model makes of them, and is trained on labels of sources alone. Here they are redshifts of
simulated galaxies with the spectra of `Coleman, Wu & Weedman (1980)
<https://doi.org/10.1086/190674>`_, which GalSim brings. Four spectra make colors that tell more
than those of real galaxies do; ``examples/photo_z.py`` trains on a catalog of them.
"""

from tempfile import TemporaryDirectory

import galsim
import numpy as np
from astropy.stats import mad_std
from astropy.table import Table
from astropy.visualization import make_lupton_rgb
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import match_positions
from photutils_rcnn.models.attribute_config import AttributeConfig
from photutils_rcnn.training.attribute_training import train_attribute

BANDS = 'g', 'r', 'i', 'z', 'y'
NOISE = 10.0
GRID, STEP = 6, 44  # galaxies on a side of a frame, and pixels between them
N_FRAMES, N_TEST = 26, 5
TYPES = 'E', 'Sbc', 'Scd', 'Im'

passbands = [galsim.Bandpass(f'LSST_{band}.dat', 'nm').withZeropoint('AB') for band in BANDS]
redshifts = np.linspace(0.05, 1.2, 47)
colors = {}  # relative to i, for each redshift
for name in TYPES:
    spectrum = galsim.SED(f'CWW_{name}_ext.sed', 'Ang', 'flambda')
    magnitudes = np.array([[spectrum.atRedshift(z).calculateMagnitude(passband)
                            for passband in passbands] for z in redshifts])
    colors[name] = magnitudes - magnitudes[:, [2]]

# %%
# A frame has 36 galaxies on a grid, with exponential profiles and the same PSF in all
# bands.


def make_frame(rng):
    """
    The pixels, and a table of positions and redshifts.
    """
    psf = galsim.Moffat(3.5, fwhm=3.5)
    data = rng.normal(0, NOISE, (len(BANDS), GRID * STEP, GRID * STEP))
    rows = []
    for k in range(GRID**2):
        place = np.array([k % GRID, k // GRID]) * STEP
        z, radius = rng.uniform(0.05, 1.2), rng.uniform(1.5, 5)
        color = [np.interp(z, redshifts, of_band)
                 for of_band in colors[rng.choice(TYPES)].T]
        fluxes = 10 ** (rng.uniform(3.9, 4.7) - 0.4 * np.array(color))
        disc = galsim.Exponential(half_light_radius=radius).shear(
            g=rng.uniform(0, 0.5), beta=rng.uniform(0, np.pi) * galsim.radians)
        stamp = galsim.Convolve(disc, psf).drawImage(nx=STEP, ny=STEP, scale=1).array
        x, y = place
        data[:, y:y + STEP, x:x + STEP] += fluxes[:, None, None] * stamp
        rows.append((*(place + (STEP - 1) / 2), z))
    return data, Table(rows=rows, names=('x', 'y', 'redshift'))


rng = np.random.default_rng(3)
frames, labels = zip(*(make_frame(rng) for _ in range(N_FRAMES)), strict=True)

# %%
# All frames but five are trained on; a fifth of them decides when to stop.

folder = TemporaryDirectory()
head = AttributeConfig(name='redshift', of_class='galaxy', bands=BANDS)
model = train_attribute(
    head, [{'data': data, 'bands': BANDS} for data in frames[N_TEST:]],
    labels[N_TEST:], folder.name, batch_size=32, progress_bar=False)

# %%
# One of the others, in r, i and z, and what the head says of its galaxies:

segmenter = RCNNSegmenter(model)
results = [segmenter.segment(data, bands=BANDS) for data in frames[:N_TEST]]
figure, ax = plt.subplots(figsize=(6, 6), layout='constrained')
ax.imshow(make_lupton_rgb(*(frames[0][[3, 2, 1]] / NOISE), stretch=15, Q=6, minimum=-1),
          origin='lower')
for row in results[0].table:
    ax.annotate(f'{row["redshift"]:.2f} ± {row["redshift_err"]:.2f}', (row['x'], row['y']),
                (0, -19), textcoords='offset points', color='white', fontsize='x-small',
                ha='center')
ax.set(xticks=[], yticks=[])

# %%
# All of them, with the errors that the head gives, beside the truth. Without u the colors of
# the nearest galaxies change little, and the head says so by larger errors.

true, told, errors = [], [], []
for result, table in zip(results, labels[:N_TEST], strict=True):
    match = match_positions(result.table['x'], result.table['y'], table['x'], table['y'], 3)
    true.extend(table['redshift'][match.truth_of_detection[match.hits]])
    told.extend(result.table['redshift'][match.hits])
    errors.extend(result.table['redshift_err'][match.hits])
true, told, errors = map(np.array, (true, told, errors))
deviation = (told - true) / (1 + true)
figure, ax = plt.subplots(figsize=(5, 4.8), layout='constrained')
ax.errorbar(true, told, errors, fmt='o', ms=3, lw=0.6, color='tab:orange')
ax.axline((0, 0), slope=1, color='gray', lw=0.8)
ax.set(xlabel='true redshift', ylabel='redshift of the head', xlim=(0, 1.3), ylim=(0, 1.3))
print(f'{len(true)} galaxies: scatter {mad_std(deviation, ignore_nan=True):.3f}, '
      f'outliers {np.mean(np.abs(deviation) > 0.15):.1%}, within one error '
      f'{np.mean(np.abs(told - true) < errors):.0%}')
