"""schemathesis over the OpenAPI document: whatever is sent, nothing is a fault of ours."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.gateway.conftest import Stack

pytestmark = pytest.mark.live

_EXAMPLES = settings(
    max_examples=15,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_it_never_answers_500(stack: Stack) -> None:
    document = schemathesis.openapi.from_url(f"{stack.url}/openapi.json")
    headers, seen = stack.keys.header("all"), {}
    for found in document.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @_EXAMPLES
        def ask(case: schemathesis.Case) -> None:
            response = case.call(headers=headers)
            assert response.status_code < 500, (case.method, case.path, response.text)
            seen.setdefault(case.path, set()).add(response.status_code)

        ask()
    assert len(seen) >= 25
    assert 200 in seen["/api/recommendations"] | seen["/api/search"]
