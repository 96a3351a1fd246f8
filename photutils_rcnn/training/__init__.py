# Licensed under a 3-clause BSD style license - see LICENSE
"""
Training of the network on simulated scenes.
"""
