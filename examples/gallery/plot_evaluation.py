# Licensed under a 3-clause BSD style license - see LICENSE
"""
An evaluation report
====================

Completeness, purity and classes against the truth, beside photutils.

The command ``photutils-rcnn evaluate`` writes such a report of a folder of scenes. Six
small ones are enough to show what it holds, not to rank methods.
"""

import numpy as np
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import detect_photutils, evaluate
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
tables['summary']

# %%
# Sources with a neighbor within two FWHM:

tables['blends']['method', 'recall_close', 'n_pairs', 'both_found', 'shredded']

# %%
# Classes of the matches whose masks overlap by half; only the network has any.

tables['confusion_50']

# %%
# Completeness by the signal-to-noise ratio of the truth, with its 68 % intervals.
# ``report.write(folder, figures=True)`` writes all tables, and draws curves of precision
# and recall.

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
