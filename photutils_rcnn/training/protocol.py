# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training protocol of this package's network.
"""

__all__ = ['TrainingProtocol']

from numbers import Integral, Real

import numpy as np

from photutils_rcnn.models.training_config import TrainingConfig
from photutils_rcnn.simulation.presets import PRESETS
from photutils_rcnn.training._checks import check_keys, check_number

_REFINEMENT_KEYS = {'epochs', 'rate', 'batch_size'}


class TrainingProtocol:
    """
    The training of this package's own network; others override what
    differs.
    """

    #: The class of the configurations, and those that have a name.
    config_class = TrainingConfig
    configs = {'compact': TrainingConfig()}
    #: The entries of a recipe that describe the schedule.
    schedule_keys = frozenset({'steps', 'rate', 'refinement'})
    #: Whether the scores of a model are calibrated.
    calibrated = True

    def check_schedule(self, recipe):
        """
        Check the entries of a recipe that describe the schedule.

        Parameters
        ----------
        recipe : dict
            The recipe.

        Raises
        ------
        ValueError
            If an entry is out of range.
        """
        refinement = recipe['refinement']
        if recipe['steps'] != 0:
            _check_steps(recipe)
        elif refinement is None or recipe.get('initial') is None:
            msg = ('steps of the recipe may be 0 only with an initial model and '
                   'a refinement of its profile head')
            raise ValueError(msg)
        check_number(recipe, 'rate', Real, 'recipe')
        if refinement is not None:
            check_keys(refinement, _REFINEMENT_KEYS, 'refinement',
                       optional={'n_scenes', 'presets'})
            for preset in refinement.get('presets', ()):
                if preset not in PRESETS:
                    msg = (f'presets of the refinement must be among {PRESETS}, got '
                           f'{preset!r}')
                    raise ValueError(msg)
            if 'n_scenes' in refinement:
                check_number(refinement, 'n_scenes', Integral, 'refinement')
            check_number(refinement, 'epochs', Integral, 'refinement')
            check_number(refinement, 'batch_size', Integral, 'refinement')
            check_number(refinement, 'rate', Real, 'refinement')

    def n_steps(self, recipe):
        """
        The length of the joint schedule.

        Parameters
        ----------
        recipe : dict
            The recipe.

        Returns
        -------
        n_steps : int
            The steps.
        """
        return np.max(recipe['steps'])

    def augment(self, crop, rng):
        """
        The random changes of a crop; see
        `photutils_rcnn.training.augmentation.augment`.
        """
        from photutils_rcnn.training.augmentation import augment

        return augment(crop, rng)

    def make_trainer(self, recipe, *args, **options):
        """
        The trainer of a recipe.

        Parameters
        ----------
        recipe : dict
            The recipe.
        *args, **options
            Those of `~photutils_rcnn.training.trainer.Trainer`.

        Returns
        -------
        trainer : `~photutils_rcnn.training.trainer.Trainer`
            The trainer.
        """
        from photutils_rcnn.training.trainer import Trainer

        return Trainer(*args, n_steps=recipe['steps'],
                       peak_rate=recipe['rate'], **options)


def _check_steps(recipe):
    """
    The length of the run, or where the rate falls to zero.
    """
    ends = recipe['steps']
    if not isinstance(ends, list):
        check_number(recipe, 'steps', Integral, 'recipe')
        return
    for end in ends:
        check_number({'steps': end}, 'steps', Integral, 'recipe')
    if not ends or ends != sorted(set(ends)):
        msg = f'steps of the recipe must increase, got {ends}'
        raise ValueError(msg)
