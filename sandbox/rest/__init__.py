"""Both REST APIs of the site, on the site itself and behind the gateway.

A request passes one pipeline (`endpoint`): authenticate, scopes, quota, ordered
faults, handler, charge, log. Handlers are plain functions from `Call` to `Answer`.
"""

from __future__ import annotations
