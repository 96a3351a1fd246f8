# Licensed under a 3-clause BSD style license - see LICENSE
"""
Options of ``segment`` in TOML files, and those that a result was made with.
"""

__all__ = ['format_config', 'recorded_options', 'take_config']

import argparse
import json
import tomllib
from pathlib import Path

# What neither the sources nor the files depend on, and what names several frames.
NOT_RECORDED = ('command', 'config', 'each', 'list', 'workers', 'scheduler', 'overwrite',
                'json', 'quiet')


def take_config(parser, argv):
    """
    Make the options of a TOML file the defaults of a parser.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser of a command with an option ``--config``.
    argv : sequence of str
        The command line, which may name the file, after the command. Its options win.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no TOML, or has an option that does not exist, has a wrong value or
        excludes another.
    """
    finder = argparse.ArgumentParser(prog=parser.prog, add_help=False)
    finder.add_argument('--config')
    path = finder.parse_known_args(argv)[0].config
    if path is None:
        return
    try:
        values = tomllib.loads(Path(path).read_text(encoding='utf-8'))
    except ValueError as exc:
        msg = f'{path} is not valid TOML: {exc}'
        raise ValueError(msg) from exc
    actions = {_key(action): action for action in parser._actions
               if action.dest not in ('help', 'config')}
    for key in values:
        if key not in actions:
            msg = f'{path}: there is no option {key!r}'
            raise ValueError(msg)
    _drop_excluded(parser, argv, values, path)
    for key, value in values.items():
        action = actions[key]
        parser.set_defaults(**{action.dest: _convert(action, value, f'{path}: {key}')})
        action.required = False


def _key(action):
    """
    The name of an option in a file.
    """
    return action.dest.replace('_', '-')


def _drop_excluded(parser, argv, values, path):
    """
    Drop what an option of the command line excludes.
    """
    # which may be abbreviated
    given = tuple(word.split('=')[0] for word in argv
                  if word.startswith('--') and word != '--')
    for group in parser._mutually_exclusive_groups:
        keys = [_key(action) for action in group._group_actions]
        both = [key for key in keys if key in values]
        if len(both) > 1:
            msg = f'{path}: {both[0]} and {both[1]} exclude each other'
            raise ValueError(msg)
        if both and any(f'--{key}'.startswith(given) for key in keys):
            del values[both[0]]


def _convert(action, value, where):
    """
    A value of a file as the parser would have it.
    """
    if action.nargs == 0:
        if not isinstance(value, bool):
            msg = f'{where} must be true or false, got {value!r}'
            raise ValueError(msg)
        return value
    items = value if isinstance(value, list) else [value]
    if action.nargs is None and len(items) != 1:
        if action.type is not None or not items:
            msg = f'{where} must be one value, got {value!r}'
            raise ValueError(msg)
        items = [','.join(map(str, items))]
    converted = [_convert_item(action, item, where) for item in items]
    return converted if action.nargs else converted[0]


def _convert_item(action, item, where):
    try:
        if isinstance(item, (bool, dict, list)):
            raise TypeError
        value = (action.type or str)(str(item))
    except (TypeError, ValueError) as exc:
        kind = {float: 'a number', int: 'an integer'}.get(action.type, 'text')
        msg = f'{where} must be {kind}, got {item!r}'
        raise ValueError(msg) from exc
    if action.choices is not None and value not in action.choices:
        msg = f'{where} must be one of {", ".join(action.choices)}, got {item!r}'
        raise ValueError(msg)
    return value


def recorded_options(args, **of_frame):
    """
    The options that the result of a frame depends on.

    Parameters
    ----------
    args : `argparse.Namespace`
        The parsed command line of ``segment``.
    **of_frame
        What is different for the frame.

    Returns
    -------
    options : dict
        The options by their names in a file, as plain values; without flags that are not
        set.
    """
    options = {**vars(args), **of_frame}
    return {name.replace('_', '-'): _plain(value) for name, value in options.items()
            if name not in NOT_RECORDED
            and not (value is None or value is False or value == [])}


def _plain(value):
    if isinstance(value, list):
        return list(map(_plain, value))
    return str(value) if isinstance(value, Path) else value


def format_config(meta):
    """
    The TOML file with which ``segment --config`` makes a result again.

    Parameters
    ----------
    meta : dict
        The ``meta`` of the result.

    Returns
    -------
    text : str
        The text. Thresholds and runtime are those that were used, also if they were
        defaults.

    Raises
    ------
    ValueError
        If the result was not made by the command.
    """
    if 'segment_options' not in meta:
        msg = 'the result was made in Python: only photutils-rcnn segment records its options'
        raise ValueError(msg)
    options = {**meta['segment_options'], **{
        name.replace('_', '-'): meta[name]
        for name in ('score_threshold', 'nms_threshold', 'runtime')}}
    # basic strings of TOML are those of JSON, as are numbers and arrays
    return '\n'.join([
        f"# photutils_rcnn {meta['photutils_rcnn_version']}, model {meta['model']} "
        f"(sha256 {meta['model_sha256'][:12]}), {meta['created']}",
        *(f'{key} = {json.dumps(value, ensure_ascii=False)}'
          for key, value in options.items()), ''])
