# Licensed under a 3-clause BSD style license - see LICENSE
"""
Model cards, and the main facts of a model.
"""

__all__ = ['model_card', 'model_facts']

from photutils_rcnn.models.zoo import load_model


def model_card(model):
    """
    The card of a model.

    Parameters
    ----------
    model : str or path-like
        See `~photutils_rcnn.models.zoo.load_model`, also for errors.

    Returns
    -------
    card : str
        Markdown; empty if the model has none.
    """
    return load_model(model).card


def model_facts(model):
    """
    The main facts of a model.

    Parameters
    ----------
    model : str or path-like
        See `~photutils_rcnn.models.zoo.load_model`, also for errors.

    Returns
    -------
    facts : dict of str to str
        What they say, by what they are of.
    """
    loaded = load_model(model)
    settings, config = loaded.settings, loaded.config
    fit = settings.get('calibration', {})
    thresholds = ', '.join(f'{name} {value:g}' for name, value in loaded.thresholds.items())
    n_weights = sum(values.size for values in loaded._weights.values())
    facts = {
        'name': loaded.name, 'description': settings.get('description', ''),
        'classes': ', '.join(config.class_names), 'bands': str(config.n_bands),
        'weights': f'{n_weights / 1e6:.2f} million', 'sha256': loaded.sha256,
        'thresholds': thresholds,
        'scores': 'calibrated' if 'source_scale' in fit else 'not calibrated',
        'halo': f'{loaded.halo} pixels'}
    for attribute in config.attributes:
        facts[attribute.name] = ', '.join(attribute.classes) or 'a value'
    tuned = settings.get('fine_tuning')
    if tuned:
        facts['fine-tuned'] = (
            f'from {tuned["initial"]!r} on {tuned["n_training_frames"]} frames')
    return {name: value for name, value in facts.items() if value}
