"""What is counted besides HTTP requests: vendors, answers, background work. Labels hold names from the configuration only."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """Prometheus instruments in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._vendor = Counter(
            "purser_provider_requests_total",
            "Calls to vendors by outcome.",
            ["account", "operation", "reason"],
            registry=registry,
        )
        self._vendor_seconds = Histogram(
            "purser_provider_request_seconds", "Duration of calls to vendors.", ["account"], registry=registry
        )
        self._answers = Histogram(
            "purser_answer_seconds", "From a person's question to our answer.", ["feature"], registry=registry
        )

    def vendor_called(self, account: str, operation: str, reason: str, seconds: float) -> None:
        self._vendor.labels(account, operation, reason).inc()
        self._vendor_seconds.labels(account).observe(seconds)

    def answered(self, feature: str, seconds: float) -> None:
        self._answers.labels(feature).observe(seconds)
