"""Puts the two hosts and their shared deliveries together."""

from __future__ import annotations

import httpx

from sandbox.clock import Clock, utc_now
from sandbox.hosts.connect import ConnectHost
from sandbox.hosts.deliveries import Deliveries
from sandbox.hosts.delivery_control import DeliveryControl
from sandbox.hosts.forge import ForgeHost
from sandbox.hosts.ports import HostSite
from sandbox.plugins import HostPlugin


def build_hosts(
    site: HostSite,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock = utc_now,
) -> list[HostPlugin]:
    """Return all plug-ins of a site: deliveries first, as the hosts lean on them.

    Args:
        site: Whose changes are told.
        transport: Stands in the place of the network; for tests.
        clock: Tells the time that tokens are judged by.
    """
    deliveries = Deliveries(transport=transport, clock=clock)
    connect = ConnectHost(site, deliveries, clock=clock)
    forge = ForgeHost(
        site, deliveries, client_key_of=connect.client_key_of, clock=clock
    )
    return [DeliveryControl(deliveries), connect, forge]
