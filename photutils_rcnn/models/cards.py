# Licensed under a 3-clause BSD style license - see LICENSE
"""
The main facts of a model.
"""

__all__ = ['model_facts']

from photutils_rcnn._wording import count


def model_facts(model):
    """
    The main facts of a model.

    Parameters
    ----------
    model : `~photutils_rcnn.models.model.Model`
        The model.

    Returns
    -------
    facts : dict of str to str
        What they say, by what they are of.
    """
    settings, config = model.settings, model.config
    fit = settings.get('calibration', {})
    thresholds = ', '.join(f'{name} {value:g}' for name, value in model.thresholds.items())
    n_weights = sum(values.size for values in model._weights.values())
    facts = {
        'name': model.name, 'description': settings.get('description', ''),
        'classes': ', '.join(config.class_names), 'bands': str(config.n_bands),
        'weights': f'{n_weights / 1e6:.2f} million', 'sha256': model.sha256,
        'thresholds': thresholds,
        'scores': 'calibrated' if 'source_scale' in fit else 'not calibrated',
        'halo': f'{model.halo} pixels'}
    for attribute in config.attributes:
        facts[attribute.name] = ', '.join(attribute.classes) or 'a value'
    tuned = settings.get('fine_tuning')
    if tuned:
        facts['fine-tuned'] = (
            f'from {tuned["initial"]!r} on {count(tuned["n_training_frames"], "frame")}')
    return {name: value for name, value in facts.items() if value}
