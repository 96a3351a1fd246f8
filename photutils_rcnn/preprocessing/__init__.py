# Licensed under a 3-clause BSD style license - see LICENSE
"""
Preprocessing: validation of the input, background, noise, normalization and PSF.
"""
