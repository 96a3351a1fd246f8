# Licensed under a 3-clause BSD style license - see LICENSE
"""
The sources that were found, their pixels and their light.
"""
