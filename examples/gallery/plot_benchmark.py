# Licensed under a 3-clause BSD style license - see LICENSE
"""
A benchmark on this machine
===========================

Accuracy, fluxes and speed beside photutils and sep, in one table.

The command ``photutils-rcnn benchmark --plot`` does this for five presets and 25 scenes, in two
minutes on two cores, and :ref:`benchmark` says what each column means. Four small scenes are
enough to show what comes out, not to rank methods.
"""

import numpy as np
from astropy.table import vstack
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import benchmark
from photutils_rcnn.simulation import make_scene

segmenter = RCNNSegmenter()
tables = []
for preset in ('decam', 'hsc'):
    scenes = [make_scene(preset, 7_900_000 + i, shape=(256, 256)) for i in range(2)]
    table = benchmark(segmenter, scenes)
    table.add_column([preset] * len(table), name='preset', index=0)
    tables.append(table)
table = vstack(tables)
for column in table.itercols():
    if column.dtype.kind == 'f':
        column.info.format = '.3f'
table['preset', 'method', 'completeness', 'purity', 'AP50', 'seconds']

# %%
# What is found, how pure it is, and how well masks fit; then the median errors of total fluxes,
# of all sources and of those in blends. Methods are those of the legend; deblended fluxes are
# hatched.

columns = {'completeness': 'completeness', 'purity': 'purity', 'AP50': 'AP50 of masks',
           'kron_error': 'error of fluxes', 'kron_error_blends': 'error of fluxes in blends'}
methods = list(dict.fromkeys(table['method']))
presets = list(dict.fromkeys(table['preset']))
figure, axes = plt.subplots(1, 5, figsize=(11, 3.2), layout='constrained')
for ax, (column, title) in zip(axes, columns.items(), strict=True):
    for k, method in enumerate(methods):
        rows = table[table['method'] == method]
        ax.bar(np.arange(len(presets)) + 0.2 * k, rows[column], 0.18, label=method)
    if column.startswith('kron'):
        rows = table[table['method'] == methods[0]]
        ax.bar(np.arange(len(presets)) + 0.2 * len(methods),
               rows[column.replace('kron', 'deblended')], 0.18, color='C0', hatch='///',
               edgecolor='white', label='deblended')
    ax.set_xticks(np.arange(len(presets)) + 0.2, presets)
    ax.set_title(title, fontsize='medium')
figure.legend(*ax.get_legend_handles_labels(), loc='outside lower center', ncols=4)
