"""A pretend workspace and pretend providers that speak real HTTP on loopback, for the demo and the tests."""
