import pytest

from dashboards.templatetags.breaking import breakable


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("/api/resume/analyze", "/api<wbr>/resume<wbr>/analyze"),
        ("session_stabilization_failure", "session_<wbr>stabilization_<wbr>failure"),
        ("jobs:search:ux-design", "jobs:<wbr>search:<wbr>ux-<wbr>design"),
        ("career", "career"),
        ("", ""),
        ("</script>_x", "&lt;<wbr>/script&gt;_<wbr>x"),
    ],
)
def test_a_name_is_broken_at_the_signs_that_divide_it_and_stays_text(name: str, broken: str) -> None:
    assert breakable(name) == broken
