# Licensed under a 3-clause BSD style license - see LICENSE
"""
Report and model card of a fine tuning.
"""

__all__ = ['make_card', 'make_report']

from photutils_rcnn.training.held_out import figure_table

CARD = """\
# {name}

The model {initial!r} (sha256 {initial_sha256}), trained further by
`photutils_rcnn.training.fine_tune` on {n_training_frames} labelled frames.
Classes: {class_list}.

```
{report}
```

The frames held out chose among the states of the training, so that the figures
after it are somewhat optimistic.
"""
KEPT = """\
# {name}

The model {initial!r} (sha256 {initial_sha256}), unchanged: fine tuning on
{n_training_frames} labelled frames brought nothing better.

```
{report}
```
"""


def make_report(facts):
    """
    The figures before and after, as text.

    Parameters
    ----------
    facts : dict
        The entry ``fine_tuning`` of the settings of the model.

    Returns
    -------
    report : str
        A title and a table.
    """
    title = (f'{facts["n_held_out_frames"]} held-out frames, per cent: mask AP of COCO; '
             'completeness and purity at the threshold')
    lines = [title, '', *figure_table(facts['before'], facts['after']).pformat(
        max_lines=-1, max_width=-1)]
    if facts['kept_initial']:
        lines += ['', f'Nothing was better: this is the initial model, '
                  f'{facts["initial"]!r}.']
    return '\n'.join(lines)


def make_card(name, facts):
    """
    The card of a model that was fine-tuned.

    Parameters
    ----------
    name : str
        The name of the model.
    facts : dict
        The entry ``fine_tuning`` of its settings.

    Returns
    -------
    card : str
        Markdown.
    """
    card = KEPT if facts['kept_initial'] else CARD
    return card.format(name=name, class_list=', '.join(facts['classes']), **facts)
