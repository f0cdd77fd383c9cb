"""How fast, how small: `python -m tests.bench` measures Purser beside a stock Bolt app and prints ratios."""
