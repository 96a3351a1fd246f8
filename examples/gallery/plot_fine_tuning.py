# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fine-tuning on your own labels
==============================

A few labelled frames of another telescope, and what they teach the model.

The PSF of Roman, 1.1 to 1.5 pixels wide on single exposures, is narrower than any that the
shipped model was trained on: it finds the sources, but its outlines are too wide. Labels of a
few frames mend that. Here they are those of simulated frames, and the training is cut short so
that it takes a minute; :ref:`fine-tuning` has the figures of a longer one.
"""

from tempfile import TemporaryDirectory

import numpy as np
from matplotlib import pyplot as plt

from photutils_rcnn import RCNNSegmenter
from photutils_rcnn.evaluation import match_positions
from photutils_rcnn.plotting import rgb_image
from photutils_rcnn.simulation import make_scene
from photutils_rcnn.sources.classes import CLASS_COLORS
from photutils_rcnn.training import fine_tune
from photutils_rcnn.training.fine_tuner import Stage

scenes = [make_scene('roman', 9_400_000 + i, shape=(160, 160)) for i in range(8)]
test = make_scene('roman', 9_450_001, shape=(224, 224))

# %%
# Labels are a label image or a stack of masks for each frame, classes a table, a mapping or
# names in the order of the labels. ``stages`` shortens the schedule, which is otherwise chosen
# by the number of labels; all else are defaults.

names = np.array(['', 'star', 'galaxy'])
labels, classes = [], []
for scene in scenes:
    masks = np.zeros((len(scene.truth), *scene.data.shape[1:]), dtype=bool)
    for mask, of_source, (y1, x1, y2, x2) in zip(
            masks, scene.footprints.masks, scene.footprints.boxes, strict=True):
        mask[y1:y2, x1:x2] = of_source
    labels.append(masks)
    classes.append(list(np.where(scene.truth['ignore'], '', names[scene.truth['class_id']])))
folder = TemporaryDirectory()
model = fine_tune([scene.data for scene in scenes], labels, classes, folder.name + '/model',
                  bands=scenes[0].bands, progress_bar=False,
                  stages=(Stage(30, 2e-4, heads_only=True),))
print(model.settings['fine_tuning']['report'])

# %%
# Two of the eight frames were held out, and decide which state of the training is kept. They
# hold few sources, so that the figures scatter. Steps are too few here for more than a
# beginning.

figures = model.settings['fine_tuning']
figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout='constrained')
for ax, column in zip(axes, ('AP', 'completeness', 'purity'), strict=True):
    for k, state in enumerate(('before', 'after')):
        ax.bar(np.arange(2) + 0.4 * k, [figures[state][name][column] for name in names[1:]],
               0.38, label=state, color=('tab:gray', 'tab:green')[k])
    ax.set_xticks(np.arange(2) + 0.2, names[1:])
    ax.set_title(column)
axes[0].set_ylabel('per cent')
axes[0].legend()

# %%
# A frame that neither the training nor the choice has seen: the true outlines, those of the
# shipped model, and those after fine-tuning.

found = {name: RCNNSegmenter(which).segment(test.data, bands=test.bands)
         for name, which in (('shipped', 'default'), ('fine-tuned', model))}
panels = {'truth': (test.footprints[~test.truth['ignore']],
                    test.truth['class_id'][~test.truth['ignore']]),
          **{name: (result.footprints, result.instances.class_ids)
             for name, result in found.items()}}
picture = rgb_image(found['shipped'])
colors = ('', *CLASS_COLORS.values())
figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.5), layout='constrained')
for ax, (name, (footprints, ids)) in zip(axes, panels.items(), strict=True):
    ax.imshow(picture, origin='lower')
    ax.set(xticks=[], yticks=[], title=name)
    for mask, (y1, x1, y2, x2), i in zip(footprints.masks, footprints.boxes, ids, strict=True):
        if mask.any():
            ax.contour(range(x1 - 1, x2 + 1), range(y1 - 1, y2 + 1), np.pad(mask, 1), [0.5],
                       colors=colors[i], linewidths=1)

# %%
# The areas of what both find, against the true ones:

figure, ax = plt.subplots(figsize=(5, 4), layout='constrained')
for name, result in found.items():
    match = match_positions(result.table['x'], result.table['y'], test.truth['x'],
                            test.truth['y'], radius=1.5, ignore=test.truth['ignore'])
    true = [mask.sum() for mask in test.footprints.masks]
    ax.loglog(np.array(true)[match.truth_of_detection[match.hits]],
              result.table['area'].value[match.hits], 'o', ms=4, label=name,
              color='tab:gray' if name == 'shipped' else 'tab:green')
ax.axline((10, 10), (100, 100), color='gray', lw=0.8)
ax.set(xlabel='true area / pixel', ylabel='area / pixel')
ax.legend()
