# Licensed under a 3-clause BSD style license - see LICENSE
"""
From what a user gives to what the network sees.
"""
