"""A browser of the sandbox's web face, for tests of what it shows and refuses."""

from __future__ import annotations

import httpx

from sandbox.face.acting import COOKIE
from sandbox.people import account_id_of
from sandbox.site import Site
from tests.fakes.sandbox_site import StubHost, client_of

HOSTILE = '"><script>alert(1)</script>'


def face(site: Site, *hosts: StubHost, login: str = "admin") -> httpx.AsyncClient:
    """Return a browser in which the person of that login acts."""
    client = client_of(site, *hosts, auth=None)
    client.follow_redirects = True
    name = login if login == "anonymous" else account_id_of(login)
    client.cookies.set(COOKIE, name)
    return client


def page_path(page_id: str) -> str:
    """Return where a page of ENG is shown."""
    return f"/wiki/spaces/ENG/pages/{page_id}"
