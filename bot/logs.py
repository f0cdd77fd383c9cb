"""Structured logs: one event a line, with the request's id; text for people, JSON for machines."""

import logging
import sys

import structlog
from structlog.dev import plain_traceback

BARE = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # locals hold tokens and links


def set_up_logs(level: str, fmt: str) -> None:
    """Sends structlog's and the libraries' events to standard error. `level`: debug, info, ...; `fmt`: text or json."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.ExceptionRenderer(BARE), structlog.processors.JSONRenderer()] if fmt == "json" else [_for_people()]
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_only_event, *last]))
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)


def _for_people() -> structlog.dev.ConsoleRenderer:
    """What is said of an event stands in the order in which it was said."""
    colors = sys.stderr.isatty()
    return structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, sort_keys=False, exception_formatter=plain_traceback)


def _only_event(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Drops the bookkeeping that ProcessorFormatter adds to a record of another library."""
    return {key: value for key, value in event.items() if not key.startswith("_")}
