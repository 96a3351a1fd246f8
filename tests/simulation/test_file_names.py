# Licensed under a 3-clause BSD style license - see LICENSE
"""
The names of scene files.
"""

from hypothesis import given
from hypothesis import strategies as st

from photutils_rcnn.simulation.file_names import (
    count_shared,
    scene_name,
    scene_parts,
    scene_preset,
)
from photutils_rcnn.simulation.presets import PRESETS

SEEDS = st.sets(st.tuples(st.sampled_from(PRESETS), st.integers(0, 12)
                          | st.integers(99_999_990, 100_000_010)))


@given(SEEDS, SEEDS)
def test_parts_hold_the_scenes(tmp_path_factory, scenes, others):
    """
    Each scene once, in few parts; others are told from them.
    """
    folder = tmp_path_factory.mktemp('scenes')
    for name in ('mine-7.npz', 'field-00000003.npz', 'decam-00000001.txt',
                 *(scene_name(*scene) for scene in scenes)):
        (folder / name).touch()
    parts = scene_parts(folder)
    spread = [(part['preset'], part['seed'] + i) for part in parts
              for i in range(part['n_scenes'])]
    assert sorted(spread) == sorted(scenes)
    assert {scene_preset(scene_name(*scene)) for scene in scenes} == {
        preset for preset, _ in scenes}
    assert scene_preset('field-00000003.npz') is None
    firsts = {(part['preset'], part['seed']) for part in parts}
    assert all((preset, seed - 1) not in scenes for preset, seed in firsts)
    paths = [folder / scene_name(*scene) for scene in others]
    assert count_shared([*paths, folder / 'mine-7.npz'], parts) == len(
        scenes & others)
