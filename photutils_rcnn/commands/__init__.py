# Licensed under a 3-clause BSD style license - see LICENSE
"""
The sub-commands of ``photutils-rcnn``.

Each module has ``add_arguments(parser)`` and ``run(args)``, which returns the
exit status. Importing them imports nothing heavy.
"""
