"""What Purser talks about: plain facts, the protocols between rooms, and the error tree.

Standard library only. Everything here is frozen; times are aware UTC datetimes; ids are opaque strings.
"""
