# Licensed under a 3-clause BSD style license - see LICENSE
"""
An evaluation report
====================

Completeness, purity and classes against the truth, beside photutils.

The command ``photutils-rcnn evaluate`` writes such a report of a folder of scenes. Six
small ones are enough to show what it holds, not to rank methods.
"""

from tempfile import TemporaryDirectory

import numpy as np
from astropy.table import Table
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import (
    binned_fraction,
    detect_photutils,
    evaluate,
    match_overlaps,
    score_calibration_error,
)
from photutils_rcnn.simulation import make_scene

scenes = [make_scene('decam', 9_200_000 + i, shape=(256, 256)) for i in range(6)]

# %%
# A segmenter with a low threshold, since curves need the detections below: the report
# applies that of the model to all other numbers.

segmenter = RCNNSegmenter(score_threshold=0.05)


def segment(scene):
    return segmenter.segment(scene.data, mask=scene.mask, bands=scene.bands)


report = evaluate(segment, scenes, baselines={'SourceFinder': detect_photutils},
                  score_threshold=segmenter.model.thresholds['score'])
tables = report.tables()
for table in tables.values():
    for column in table.itercols():
        if column.dtype.kind == 'f':
            column.info.format = '.3f'
tables['summary']

# %%
# Sources with a neighbor within two FWHM:

tables['blends']['method', 'recall_close', 'n_pairs', 'both_found', 'shredded']

# %%
# Classes of the matches whose masks overlap by half; only the network has any.

tables['confusion_50']

# %%
# Completeness by the signal-to-noise ratio of the truth, with its 68 % intervals.

table = tables['completeness_snr']
table = table[table['n'] > 0]
figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
for name in report.records:
    rows = table[table['method'] == name]
    bars = np.abs([rows['completeness_low'], rows['completeness_high']]
                  - np.asarray(rows['completeness']))
    ax.errorbar(np.sqrt(rows['snr_min'] * np.minimum(rows['snr_max'], 1000)),
                rows['completeness'], bars, marker='o', capsize=3, label=name)
ax.set(xscale='log', xlabel='S/N', ylabel='completeness', ylim=(0, 1.05))
ax.set_xticks([20, 50, 100, 300], ['20', '50', '100', '300'])
ax.minorticks_off()
ax.legend()

# %%
# ``report.write(folder)`` writes all tables and the text, with ``figures=True`` also curves of
# precision and recall as pictures. One of the tables is the completeness and purity above each
# score; ``SourceFinder`` ranks by signal-to-noise ratio. A threshold is chosen on such curves;
# that of the model is 0.5.

with TemporaryDirectory() as folder:
    report.write(folder)
    curves = Table.read(f'{folder}/completeness_curve.ecsv')
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout='constrained')
for name in report.records:
    rows = curves[curves['method'] == name]
    left.plot(rows['purity'], rows['completeness'], label=name)
left.set(xlabel='purity', ylabel='completeness', xlim=(0.7, 1.005), ylim=(0, 1.02))
left.legend(loc='lower left')
rows = curves[curves['method'] == 'photutils_rcnn']
for name, color in (('completeness', 'tab:green'), ('purity', 'tab:purple')):
    right.plot(rows['thresholds'], rows[name], color=color, label=name)
right.axvline(segmenter.model.thresholds['score'], color='gray', lw=0.8)
right.set(xlabel='score threshold', xlim=(0, 1), ylim=(0.8, 1.005))
right.legend(loc='lower left')

# %%
# Scores are probabilities if of the detections with a score of 0.7, seven in ten are right. Few
# have scores in the middle, so that the bars are long. On the right the classes.

records = report.records['photutils_rcnn']
matches = [match_overlaps(record.mask.overlaps, record.scores, 0.5, ignore=record.truth.ignore)
           for record in records]
counts = ~np.concatenate([match.ignored for match in matches])
scores = np.concatenate([record.scores for record in records])[counts]
hits = np.concatenate([match.hits for match in matches])[counts]
part = binned_fraction(scores, hits, np.linspace(0, 1, 6), name='score', fraction='right')
bars = np.abs([part['right_low'], part['right_high']] - np.asarray(part['right']))
print(f'expected calibration error: {score_calibration_error(records):.3f}')

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout='constrained')
left.errorbar((part['score_min'] + part['score_max']) / 2, part['right'], bars, fmt='o',
              capsize=3)
left.plot([0, 1], [0, 1], color='gray', lw=0.8)
left.set(xlabel='score', ylabel='part that is right', xlim=(0, 1), ylim=(0, 1.02))
confusion = tables['confusion_50']
columns = confusion.colnames[1:]
values = np.array([list(row)[1:] for row in confusion])
right.imshow(np.log1p(values), cmap='Blues')
for (i, j), value in np.ndenumerate(values):
    right.text(j, i, value, ha='center', va='center',
               color='white' if value > values.max() / 3 else 'black')
right.set(xticks=range(len(columns)), xticklabels=columns, xlabel='found as',
          yticks=range(len(confusion)), yticklabels=confusion['truth'], ylabel='truth')
