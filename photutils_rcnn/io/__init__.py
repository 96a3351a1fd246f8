# Licensed under a 3-clause BSD style license - see LICENSE
"""
Files: FITS images, tables, and whole results.
"""
