# Licensed under a 3-clause BSD style license - see LICENSE
"""
Matterport's Mask R-CNN, as Astro R-CNN (Burke et al. 2019) uses it.

The parts of its network and of its numerics that differ from this
package's own are here, each selected by a field of a configuration, and so
is the reader of its weight files.
"""
