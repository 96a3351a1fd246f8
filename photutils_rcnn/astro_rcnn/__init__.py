# Licensed under a 3-clause BSD style license - see LICENSE
"""
Astro R-CNN (Burke et al. 2019): matterport's Mask R-CNN.

What its network, its numerics, its training and its files have of their own.
The rest of the package knows a model and a training protocol of it by name
and nothing else.
"""
