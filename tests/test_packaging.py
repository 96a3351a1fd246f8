# Licensed under a 3-clause BSD style license - see LICENSE
"""
Tests that the files on the package say the same.
"""

import json
import re
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {'matplotlib': 'matplotlib-base'}
OF_DEVELOPERS = {'all', 'test', 'docs'}


@pytest.fixture(scope='module')
def setup():
    parser = ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    return parser


@pytest.fixture(scope='module')
def recipe():
    return yaml.safe_load((ROOT / 'conda' / 'recipe.yaml').read_text())


def lines(text):
    return [line for line in text.splitlines() if line]


def test_extra_all(setup):
    """It has all that users may want."""
    extras = setup['options.extras_require']
    named = extras['all'].strip().removeprefix('photutils_rcnn[').removesuffix(']')
    assert sorted(named.split(',')) == sorted(set(extras) - OF_DEVELOPERS)


def test_install_without_tensorflow(setup):
    """The documentation names all dependencies but TensorFlow."""
    text = (ROOT / 'docs' / 'install.rst').read_text()
    named = re.search(r'^ +pip install (.*h5py.*)$', text, re.MULTILINE)[1].replace('"', '')
    needed = lines(setup['options']['install_requires'])
    assert {re.split('[<>=]', line)[0] for line in needed} == {
        'tensorflow', *(re.split('[<>=]', word)[0] for word in named.split())}


def test_recipe(setup, recipe):
    """Its dependencies, version and command are those of ``setup.cfg``."""
    needed = []
    for line in lines(setup['options']['install_requires']):
        name, _, bound = line.partition('>=')
        needed.append(f'{CONDA_NAMES.get(name, name)} >={bound}')
    python, *run = recipe['requirements']['run']
    assert run == needed
    assert python == 'python >=${{ python_min }}'
    assert setup['options']['python_requires'] == f">={recipe['context']['python_min']}"
    assert recipe['context']['version'] == setup['metadata']['version']
    assert recipe['about']['license'] == setup['metadata']['license']
    assert recipe['about']['summary'] == setup['metadata']['description']
    assert recipe['build']['python']['entry_points'] == lines(
        setup['options.entry_points']['console_scripts'])


def test_citation(setup):
    """Version, license and authors are those of ``setup.cfg``."""
    cited = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    archived = json.loads((ROOT / '.zenodo.json').read_text())
    metadata = setup['metadata']
    assert cited['version'] == metadata['version']
    assert cited['license'] == archived['license'] == metadata['license']
    assert cited['authors'] == archived['creators'] == [{'name': metadata['author']}]
    assert cited['title'] == archived['title'] == metadata['name']
    assert archived['description'] == metadata['description']
    assert ', '.join(archived['keywords']) == metadata['keywords']
