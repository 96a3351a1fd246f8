# Licensed under a 3-clause BSD style license - see LICENSE
"""
Deblended photometry: models of the light of overlapping sources, fitted together.
"""
