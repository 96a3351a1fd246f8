# PYTHON_ARGCOMPLETE_OK
# Licensed under a 3-clause BSD style license - see LICENSE
"""
The command ``photutils-rcnn``.
"""

__all__ = ['main']

import argparse
import os
import sys
import warnings
from importlib import import_module

from astropy.utils.exceptions import AstropyWarning

import photutils_rcnn
from photutils_rcnn._quiet import starting
from photutils_rcnn.commands.config_files import take_config
from photutils_rcnn.models.keras_backend import require_backend

COMMANDS = {
    'segment': ('photutils_rcnn.commands.segment',
                'detect, classify and deblend the sources of FITS images'),
    'config': ('photutils_rcnn.commands.config',
               'print the options that a result was made with'),
    'demo': ('photutils_rcnn.commands.demo',
             'segment the shipped simulated field'),
    'simulate': ('photutils_rcnn.commands.simulate',
                 'simulate scenes with known truth'),
    'train': ('photutils_rcnn.training.command',
              'train a model on simulated scenes'),
    'attribute': ('photutils_rcnn.commands.attribute',
                  'train a head that says more of each source than its class'),
    'fine-tune': ('photutils_rcnn.commands.fine_tune',
                  'train a model further on labelled frames'),
    'evaluate': ('photutils_rcnn.commands.evaluate',
                 'compare a model with the truth of simulated scenes'),
    'benchmark': ('photutils_rcnn.commands.benchmark',
                  'compare accuracy and speed with photutils and sep on this machine'),
    'models': ('photutils_rcnn.commands.models',
               'list the shipped models, show one, export one, or import one of Astro R-CNN'),
}
TRAINING = ('train', 'fine-tune', 'attribute')  # in Keras, whatever runs a network
WITH_NETWORK = (*TRAINING, 'segment', 'demo', 'evaluate', 'benchmark')


def main(argv=None):
    """
    Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; by default those of the process.

    Returns
    -------
    status : int
        The exit status: 0, 1 if some of several frames failed, 2 for arguments or
        files that do not fit, 3 if a training was stopped for want of time.
    """
    parser = argparse.ArgumentParser(
        prog='photutils-rcnn', description=photutils_rcnn.__doc__)
    parser.add_argument('--version', action='version',
                        version=f'%(prog)s {photutils_rcnn.__version__}')
    subparsers = parser.add_subparsers(dest='command', required=True,
                                       metavar='COMMAND')
    argv = sys.argv[1:] if argv is None else argv
    by_name = {}
    for name, (module, summary) in COMMANDS.items():
        by_name[name] = subparsers.add_parser(name, help=summary, description=summary)
        # those of others would have to be imported
        if name in argv[:1] or '_ARGCOMPLETE' in os.environ:
            import_module(module).add_arguments(by_name[name])
    _complete(parser)
    try:
        if argv[:1] == ['segment']:
            take_config(by_name['segment'], argv[1:])
        args = parser.parse_args(argv)
        with warnings.catch_warnings():
            warnings.filterwarnings('always', category=AstropyWarning)
            warnings.showwarning = _show_warning
            if args.command in WITH_NETWORK:
                with starting():
                    import_module('photutils_rcnn.segmenter')
                    if args.command in TRAINING:
                        require_backend()
                        import_module('keras')
            return import_module(COMMANDS[args.command][0]).run(args)
    except (ImportError, OSError, TypeError, ValueError) as exc:
        if (getattr(exc, 'name', None) or '').startswith('photutils_rcnn'):
            raise
        print(f'photutils-rcnn {argv[0]}: error: {exc}', file=sys.stderr)
        return 2


def _complete(parser):
    """
    Answer a shell that asks how the command line may go on.
    """
    if '_ARGCOMPLETE' in os.environ:
        import argcomplete  # who asks has it

        argcomplete.autocomplete(parser)


def _show_warning(message, category, *args):
    print(f'photutils-rcnn: warning: {message}', file=sys.stderr)


if __name__ == '__main__':
    sys.exit(main())
