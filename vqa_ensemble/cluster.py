"""The connection to a Ray cluster; needs the extra [ray]."""

from __future__ import annotations

import logging
import os
import socket

import ray

from vqa_ensemble.errors import InputError

# Seconds to wait for a machine that should be a cluster's: Ray itself waits for ever.
PATIENCE = 20


def connect(address: str | None = None) -> dict[str, float]:
    """Connect to a Ray cluster, unless this process is connected, and give its resources.

    Parameters
    ----------
    address : str, optional
        By default, Ray's own rules: the RAY_ADDRESS variable, a cluster running on this
        machine, or one started for this run.

    Raises
    ------
    InputError
        If the cluster cannot be reached.
    """
    if not ray.is_initialized():
        try:
            _check_listens(address or os.environ.get("RAY_ADDRESS", ""))
            ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
        except (OSError, ValueError, RuntimeError) as error:
            raise InputError(
                f"no Ray cluster can be reached at {address or 'the default address'} ({error})",
                fix="Start one with ray start, or leave out --address.",
            ) from error
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources


def _check_listens(address: str) -> None:
    """Raise OSError if nothing answers at ``HOST:PORT``, if the address is one."""
    host, _, port = address.rpartition("://")[2].partition("/")[0].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
