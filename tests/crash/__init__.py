"""The real processes, killed at random while builds arrive: nothing lost, nothing told twice.

`PURSER_SEED=…` repeats a run's schedule; `PURSER_KILLS=…` makes it longer (`make soak`).
"""
