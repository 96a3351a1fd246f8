# Licensed under a 3-clause BSD style license - see LICENSE
"""
Simulated scenes with exact truth, made with GalSim.

This subpackage is an extra: nothing that segments images imports it. Making
scenes needs GalSim (``pip install "photutils_rcnn[train]"``); reading them
does not.
"""

__all__ = ['PRESETS', 'SURVEYS', 'Band', 'Scene', 'SceneSettings', 'Survey',
           'draw_settings', 'make_scene', 'simulate_scenes']

_LAZY = {'PRESETS': 'presets', 'draw_settings': 'presets',
         'SURVEYS': 'survey', 'Band': 'survey', 'Survey': 'survey',
         'Scene': 'scene', 'SceneSettings': 'settings',
         'make_scene': 'make', 'simulate_scenes': 'generate'}


def __getattr__(name):
    """
    Import the public names on first use: a scene is read without GalSim.
    """
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f'{__name__}.{_LAZY[name]}'), name)
    msg = f'module {__name__!r} has no attribute {name!r}'
    raise AttributeError(msg)


def __dir__():
    return sorted(__all__)
