"""The connection to a Ray cluster; needs the extra [ray]."""

from __future__ import annotations

import logging

import ray

from vqa_ensemble.errors import InputError


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
            ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(
                f"no Ray cluster can be reached at {address or 'the default address'} ({error})",
                fix="Start one with ray start, or leave out --address.",
            ) from error
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources
