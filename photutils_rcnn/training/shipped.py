# Licensed under a 3-clause BSD style license - see LICENSE
"""
Recipes that ship with the package, or JSON files.
"""

__all__ = ['read_json_recipe']

import json
from importlib import resources
from pathlib import Path


def read_json_recipe(kind, value):
    """
    Read a recipe.

    Parameters
    ----------
    kind : str
        The folder of the shipped ones.
    value : str or path-like
        The name of a shipped recipe or the path of a JSON file.

    Returns
    -------
    recipe : object
        The content of the file.

    Raises
    ------
    ValueError
        If there is no such recipe, or it is no JSON.
    """
    folder = resources.files('photutils_rcnn') / 'data' / kind
    shipped = {item.name.removesuffix('.json'): item
               for item in folder.iterdir() if item.name.endswith('.json')}
    path = shipped.get(str(value), Path(value))
    if not path.is_file():
        msg = (f'recipe must be one of {sorted(shipped)} or a JSON file, got '
               f'{str(value)!r}')
        raise ValueError(msg)
    try:
        return json.loads(path.read_text())
    except ValueError as exc:
        msg = f'recipe {str(value)!r} is no JSON: {exc}'
        raise ValueError(msg) from exc
