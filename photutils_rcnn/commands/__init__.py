# Licensed under a 3-clause BSD style license - see LICENSE
"""
The sub-commands of ``photutils-rcnn``.

Each module has ``add_arguments(parser)``, which declares the options of the command
on its `argparse.ArgumentParser`, and ``run(args)``, which takes the parsed options and
returns the exit status, 0 where nothing else is said. Importing them imports nothing
heavy.
"""
