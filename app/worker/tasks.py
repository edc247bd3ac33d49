"""Which use case does which kind of job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from app.domain.jobs import Job, JobKind, Verdict
from app.usecases.connect_site import connect_site
from app.usecases.label_page import label_page
from app.usecases.learn_site import learn_site
from app.usecases.purge_tenant import purge_tenant
from app.usecases.services import Services

Task = Callable[[Services, Job], Awaitable[Verdict]]

TASKS: Mapping[JobKind, Task] = {
    "label_page": label_page,
    "connect_site": connect_site,
    "learn_site": learn_site,
    "purge_tenant": purge_tenant,
}
