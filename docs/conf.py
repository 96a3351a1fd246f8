# Licensed under a 3-clause BSD style license - see LICENSE
"""
Configuration of Sphinx.
"""

import os
from importlib.metadata import version as _version
from importlib.util import find_spec

from sphinx_gallery.sorting import ExplicitOrder

project = 'photutils_rcnn'
author = 'The photutils_rcnn developers'
copyright = f'2026, {author}'  # noqa: A001
release = _version('photutils_rcnn')
version = release

extensions = ['numpydoc', 'pytest_doctestplus.sphinx.doctestplus', 'sphinx.ext.mathjax',
              'sphinx_automodapi.automodapi', 'sphinx_automodapi.smart_resolver',
              'sphinx_copybutton', 'sphinx_design', 'sphinx_gallery.gen_gallery']
# links to other projects need their inventories from the network
if os.environ.get('READTHEDOCS') == 'True':
    extensions.append('sphinx.ext.intersphinx')
intersphinx_mapping = {
    'python': ('https://docs.python.org/3/', None),
    'numpy': ('https://numpy.org/doc/stable/', None),
    'astropy': ('https://docs.astropy.org/en/stable/', None),
    'photutils': ('https://photutils.readthedocs.io/en/stable/', None),
    'matplotlib': ('https://matplotlib.org/stable/', None),
}

nitpicky = True
# other projects, constants, and what the API page leaves out
nitpick_ignore_regex = [
    (r'py:.*', r'(True|False|None)'),
    (r'py:.*', r'(numpy|scipy|astropy|photutils|matplotlib|keras|pathlib)\..*'),
    (r'py:.*', r'(.*\.)?[A-Z][A-Z_]+'),
    (r'py:.*', r'photutils_rcnn\.(astro_rcnn|deblending|detection|evaluation|io|models|plotting|'
               r'simulation|sources|training)\..*'),
    (r'py:.*', r'(Crop|Population|Renderer|Stamp)'),
]
exclude_patterns = ['_build']
copybutton_prompt_text = r'>>> |\.\.\. '
copybutton_prompt_is_regexp = True
# without Dask its page is not run, and has no picture
if find_spec('distributed'):
    tags.add('distributed')  # noqa: F821
else:
    suppress_warnings = ['image.not_readable']
sphinx_gallery_conf = {
    'examples_dirs': '../examples/gallery',
    'gallery_dirs': 'gallery',
    # from the first steps to what few need
    'within_subsection_order': ExplicitOrder([
        *(f'plot_{name}.py' for name in (
            'first_field', 'cluster', 'hubble', 'migration', 'close_pairs', 'soft_masks',
            'deblended', 'star_galaxy', 'psf', 'psf_photometry', 'crowded', 'artifacts',
            'structured_sky', 'many_frames', 'completeness', 'evaluation', 'benchmark',
            'simulation', 'normalizations', 'fine_tuning', 'photo_z', 'clumps')), '*']),
    'filename_pattern': r'plot_' if find_spec('distributed') else r'plot_(?!many_frames)',
    # what plotting methods return
    'ignore_repr_types': r"matplotlib\.|'list'",
    'image_srcset': ['2x'],
    'write_computation_times': False,
}
default_role = 'obj'
html_theme = 'pydata_sphinx_theme'
html_title = f'{project} {release}'
html_static_path = ['_static']
html_css_files = ['pictures.css']
html_theme_options = {
    'navbar_persistent': ['search-button'],
    # the scripts of the gallery need the room beside them
    'secondary_sidebar_items': {
        **{pages: ['page-toc', 'sourcelink'] for pages in ('*', 'api/*', 'reference/*')},
        'gallery/*': []},
}
automodapi_toctreedirnm = 'api'
# what deblenders.py is written for
autodoc_mock_imports = [name for name in ('btk', 'surveycodex') if not find_spec(name)]
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# not demanded: what photutils does not demand either, and the layout of summaries
numpydoc_validation_checks = {'all', 'ES01', 'EX01', 'GL01', 'GL02', 'GL03', 'GL08', 'RT02',
                              'RT03', 'SA01', 'SA04', 'SS03', 'SS05', 'SS06', 'YD01'}
