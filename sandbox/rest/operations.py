"""Every operation of both APIs on one screen; paths are below `/wiki`."""

from __future__ import annotations

from sandbox.rest import (
    comments,
    content_properties,
    labels,
    pages,
    problems,
    scopes,
    search,
    spaces,
    tree,
)
from sandbox.rest.calls import Answer, Call, Handler, Operation, Scopes


def _v2(
    name: str, method: str, path: str, handler: Handler, asked: Scopes
) -> Operation:
    return Operation(
        name=name,
        family="v2",
        method=method,
        path=f"/api/v2{path}",
        handler=handler,
        scopes=asked,
        write=method != "GET" and name != "createBulkUserLookup",
    )


def _v1(
    name: str, method: str, path: str, handler: Handler, asked: Scopes
) -> Operation:
    return Operation(
        name=name,
        family="v1",
        method=method,
        path=f"/rest/api{path}",
        handler=handler,
        scopes=asked,
        write=method != "GET",
    )


def _gone(call: Call) -> Answer:
    """Answer for what was removed from v1 (CHANGE-2520).

    https://developer.atlassian.com/cloud/confluence/changelog/
    """
    del call
    message = "This deprecated endpoint has been removed."
    return Answer(status=410, body=problems.v1_error(410, message))


_PAGE = "/pages/{id}"
_PROPERTY = _PAGE + "/properties/{property_id}"
_COMMENT = "/footer-comments/{comment_id}"

V2: tuple[Operation, ...] = (
    _v2("getPages", "GET", "/pages", pages.list_pages, scopes.READ_PAGE),
    _v2("createPage", "POST", "/pages", pages.create_page, scopes.WRITE_PAGE),
    _v2("getPageById", "GET", _PAGE, pages.get_page, scopes.READ_PAGE),
    _v2("updatePage", "PUT", _PAGE, pages.update_page, scopes.WRITE_PAGE),
    _v2("deletePage", "DELETE", _PAGE, pages.delete_page, scopes.DELETE_PAGE),
    _v2(
        "updatePageTitle",
        "PUT",
        _PAGE + "/title",
        pages.update_title,
        scopes.WRITE_PAGE,
    ),
    _v2(
        "getPageVersions",
        "GET",
        _PAGE + "/versions",
        tree.list_versions,
        scopes.READ_PAGE,
    ),
    _v2(
        "getPageVersionDetails",
        "GET",
        _PAGE + "/versions/{number}",
        tree.get_version,
        scopes.READ_PAGE,
    ),
    _v2(
        "getChildPages",
        "GET",
        _PAGE + "/children",
        tree.list_children,
        scopes.READ_PAGE,
    ),
    _v2(
        "getPageDirectChildren",
        "GET",
        _PAGE + "/direct-children",
        tree.list_direct_children,
        scopes.READ_TREE,
    ),
    _v2(
        "getPageDescendants",
        "GET",
        _PAGE + "/descendants",
        tree.list_descendants,
        scopes.READ_TREE,
    ),
    _v2(
        "getPageAncestors",
        "GET",
        _PAGE + "/ancestors",
        tree.list_ancestors,
        scopes.READ_ANCESTORS,
    ),
    _v2(
        "getPageLabels",
        "GET",
        _PAGE + "/labels",
        labels.list_page_labels,
        scopes.READ_PAGE_LABELS,
    ),
    _v2(
        "getPageContentProperties",
        "GET",
        _PAGE + "/properties",
        content_properties.list_properties,
        scopes.READ_PAGE,
    ),
    _v2(
        "createPageProperty",
        "POST",
        _PAGE + "/properties",
        content_properties.create_property,
        scopes.WRITE_PROPERTY,
    ),
    _v2(
        "getPageContentPropertiesById",
        "GET",
        _PROPERTY,
        content_properties.get_property,
        scopes.READ_PAGE,
    ),
    _v2(
        "updatePagePropertyById",
        "PUT",
        _PROPERTY,
        content_properties.update_property,
        scopes.WRITE_PROPERTY,
    ),
    _v2(
        "deletePagePropertyById",
        "DELETE",
        _PROPERTY,
        content_properties.delete_property,
        scopes.WRITE_PROPERTY,
    ),
    _v2(
        "getPageFooterComments",
        "GET",
        _PAGE + "/footer-comments",
        comments.list_page_comments,
        scopes.READ_COMMENT,
    ),
    _v2(
        "createFooterComment",
        "POST",
        "/footer-comments",
        comments.create_comment,
        scopes.WRITE_COMMENT,
    ),
    _v2(
        "getFooterCommentById",
        "GET",
        _COMMENT,
        comments.get_comment,
        scopes.READ_COMMENT,
    ),
    _v2(
        "updateFooterComment",
        "PUT",
        _COMMENT,
        comments.update_comment,
        scopes.WRITE_COMMENT,
    ),
    _v2(
        "deleteFooterComment",
        "DELETE",
        _COMMENT,
        comments.delete_comment,
        scopes.DELETE_COMMENT,
    ),
    _v2("getLabels", "GET", "/labels", labels.list_labels, scopes.READ_LABEL),
    _v2(
        "getLabelPages",
        "GET",
        "/labels/{id}/pages",
        pages.list_label_pages,
        scopes.READ_PAGE,
    ),
    _v2("getSpaces", "GET", "/spaces", spaces.list_spaces, scopes.READ_SPACE),
    _v2("getSpaceById", "GET", "/spaces/{id}", spaces.get_space, scopes.READ_SPACE),
    _v2(
        "getPagesInSpace",
        "GET",
        "/spaces/{id}/pages",
        pages.list_space_pages,
        scopes.READ_PAGE,
    ),
    _v2(
        "getSpaceLabels",
        "GET",
        "/spaces/{id}/labels",
        labels.list_space_labels,
        scopes.READ_SPACE,
    ),
    _v2(
        "getSpaceContentLabels",
        "GET",
        "/spaces/{id}/content/labels",
        labels.list_space_content_labels,
        scopes.READ_SPACE,
    ),
    _v2(
        "createBulkUserLookup",
        "POST",
        "/users-bulk",
        spaces.list_users,
        scopes.READ_USER,
    ),
)

_LABEL = "/content/{id}/label"

V1: tuple[Operation, ...] = (
    _v1("addLabelsToContent", "POST", _LABEL, labels.add_labels, scopes.ADD_LABEL),
    _v1(
        "removeLabelFromContentUsingQueryParameter",
        "DELETE",
        _LABEL,
        labels.remove_label_by_query,
        scopes.REMOVE_LABEL,
    ),
    _v1(
        "removeLabelFromContent",
        "DELETE",
        _LABEL + "/{label:path}",
        labels.remove_label_by_path,
        scopes.REMOVE_LABEL,
    ),
    _v1("getAllLabelContent", "GET", "/label", labels.get_label, scopes.READ_LABEL),
    _v1(
        "getCurrentUser",
        "GET",
        "/user/current",
        spaces.get_current_user,
        scopes.READ_USER_V1,
    ),
    _v1("searchByCQL", "GET", "/search", search.search, scopes.SEARCH),
    _v1("getUser", "GET", "/user", spaces.get_user, scopes.READ_USER_V1),
)

#: (method, path) of what v1 has lost, among it reading labels: v2 reads them.
_REMOVED = (
    ("GET", "/content"),
    ("POST", "/content"),
    ("GET", "/content/{id}"),
    ("PUT", "/content/{id}"),
    ("DELETE", "/content/{id}"),
    ("GET", _LABEL),
    ("GET", "/content/{id}/child"),
    ("GET", "/content/{id}/child/{type}"),
    ("GET", "/content/{id}/property"),
    ("POST", "/content/{id}/property"),
    ("GET", "/content/{id}/property/{key}"),
    ("PUT", "/content/{id}/property/{key}"),
    ("DELETE", "/content/{id}/property/{key}"),
    ("GET", "/space"),
    ("GET", "/space/{key}"),
    ("GET", "/space/{key}/content"),
    ("GET", "/space/{key}/content/{type}"),
)

REMOVED: tuple[Operation, ...] = tuple(
    _v1("removed", method, path, _gone, scopes.NONE) for method, path in _REMOVED
)

ALL: tuple[Operation, ...] = (*V2, *V1, *REMOVED)
