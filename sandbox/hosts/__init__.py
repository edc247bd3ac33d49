"""The two hosts that run apps on the site: Connect and Forge.

`wiring.build_hosts` puts them together. All of the control API below is the
sandbox's own; JSON objects go in and out, refusals are 4xx with `error` and `problems`.

    POST /_sandbox/connect/install          {descriptor_url}
    POST /_sandbox/connect/uninstall        {key}; likewise enable and disable
    GET  /_sandbox/connect/installations    with the shared secrets
    GET  /_sandbox/connect/context-token    ?key=&account_id=
    GET  /_sandbox/connect/page-url         ?key=&path=&account_id= (address of an iframe)
    GET  /_sandbox/install-keys/{kid}       what Atlassian serves at its install-keys host
    POST /_sandbox/forge/install            {manifest | manifest_yaml, remote_url,
                                            environment, connect_client_key_of, account_id}
    POST /_sandbox/forge/uninstall          {app}: an app id or installation id, needed
                                            only if several are installed; so below
    POST /_sandbox/forge/upgrade            {app, major, manifest | manifest_yaml}
    GET  /_sandbox/forge/installations
    POST /_sandbox/forge/tokens             {ttl_seconds} of tokens issued from now on
    POST /_sandbox/forge/tokens/expire      all that were issued end
    POST /_sandbox/forge/settings           {wrap_payload, schedule_first_seconds}
    POST /_sandbox/forge/schedule           {app, key}: fire scheduled triggers now
    POST /_sandbox/forge/invoke             {app, module, path, method, body, account_id,
                                            extension}: `invokeRemote` of a UI module
    POST /_sandbox/forge/rotate-key
    GET  /_sandbox/forge/jwks.json          what Atlassian serves at its Forge CDN
    GET  /_sandbox/deliveries               JSON, or a table for browsers; DELETE clears
    POST /_sandbox/deliveries/settings      {duplicate, drop_next, reorder, delay_seconds,
                                            hold, retry_seconds}
    GET  /_sandbox/deliveries/idle          waits up to 30 s until nothing is under way
"""

from __future__ import annotations
