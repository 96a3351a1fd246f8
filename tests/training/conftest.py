# Licensed under a 3-clause BSD style license - see LICENSE
"""
Fixtures: small scenes of discs.
"""

from disc_scenes import config, folder, make_scene_fixture, scene

__all__ = ['config', 'folder', 'make_scene_fixture', 'scene']
