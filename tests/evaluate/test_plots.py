from __future__ import annotations

import re

import pytest

from segue.evaluate.plots import Bars, IntervalRow, Mark, Series, bar_chart, interval_chart, line_chart, ticks


def line(series: list[Series], **more) -> str:
    return str(line_chart(series, alt="a line", x_title="x", y_title="y", **more))


def inside(chart: str) -> None:
    """Every point lies in the picture."""
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', chart).groups())
    for d in re.findall(r' d="M([^"]+?)Z?"', chart):
        for point in d.split("L"):
            x, y = map(float, point.split())
            assert 0 <= x <= width
            assert 0 <= y <= height
    for name, most in (("x", width), ("y", height), ("cx", width), ("cy", height)):
        values = [float(value) for value in re.findall(rf' {name}="([^"]+)"', chart)]
        assert all(0 <= value <= most for value in values), (name, values)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.04, 0.17, [0.05, 0.1, 0.15]),
        (-3, 7, [-2, 0, 2, 4, 6]),
        (0, 0.0043, [0, 0.001, 0.002, 0.003, 0.004]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_a_higher_value_stands_higher() -> None:
    chart = line([Series(x=[0, 1, 2], y=[5.0, 9.0, 1.0], dots=True)])
    heights = [float(y) for y in re.findall(r'cy="([^"]+)"', chart)]
    assert heights[1] < heights[0] < heights[2]
    inside(chart)


def test_a_band_encloses_its_line() -> None:
    chart = line([Series(x=[0, 1], y=[5.0, 6.0], low=[4.0, 5.0], high=[7.0, 8.0])])
    assert chart.count('class="band s1"') == 1
    inside(chart)


def test_a_logarithmic_axis_gives_each_power_the_same_room() -> None:
    chart = line([Series(x=[10, 100, 1000], y=[1.0, 2.0, 3.0], dots=True)], log_x=True)
    first, second, third = (float(x) for x in re.findall(r'cx="([^"]+)"', chart))
    assert second - first == pytest.approx(third - second, abs=0.2)


@pytest.mark.parametrize("log", [False, True])
def test_a_single_point_and_a_flat_line_can_be_drawn(log: bool) -> None:
    inside(line([Series(x=[3.0], y=[0.0])], log_x=log))
    inside(line([Series(x=[1.0, 2.0], y=[4.0, 4.0])], log_x=log))


def test_a_mark_points_at_its_place() -> None:
    chart = line([Series(x=[0, 1], y=[0.0, 1.0], dots=True)], marks=[Mark(at=1.0, text="default 1")])
    last = re.findall(r'cx="([^"]+)"', chart)[-1]
    assert f'class="mark" x1="{last}"' in chart
    assert "default 1" in chart


def test_a_line_to_compare_with_takes_no_colour() -> None:
    chart = line(
        [Series(x=[0, 1], y=[0, 1], faint=True, name="even"), Series(x=[0, 1], y=[1, 0], name="ours")]
    )
    assert 'class="line ref"' in chart
    assert 'class="line s1"' in chart
    assert "s2" not in chart
    assert ">even<" in chart
    assert ">ours<" in chart


def test_bars_are_as_high_as_their_values() -> None:
    chart = str(bar_chart(Bars(values=[1.0, 0.0, 4.0], labels=[(0, "0"), (3, "1")]), alt="bars"))
    heights = [float(value) for value in re.findall(r'<rect[^>]* height="([^"]+)"', chart)]
    assert len(heights) == 2
    assert heights[1] == pytest.approx(4 * heights[0], abs=0.3)
    inside(chart)


def test_an_outline_shares_the_scale_of_the_bars() -> None:
    chart = str(bar_chart(Bars(values=[1.0, 2.0], outline=[4.0, 0.0], labels=[]), alt="bars"))
    assert 'class="outline"' in chart
    inside(chart)


def test_no_bars_are_no_error() -> None:
    inside(str(bar_chart(Bars(values=[0.0, 0.0], labels=[]), alt="none")))


def test_intervals_lie_around_their_means() -> None:
    rows = [
        IntervalRow(name="Segue", mean=0.1, low=0.08, high=0.12, leading=True),
        IntervalRow(name="Random", mean=0.0, low=-0.01, high=0.01),
    ]
    chart = str(interval_chart(rows, alt="two methods", x_format="{:g}".format))
    ends = [
        (float(a), float(b))
        for a, b in re.findall(r'class="whisker[^>]*x1="([^"]+)"[^>]*x2="([^"]+)"', chart)
    ]
    means = [float(x) for x in re.findall(r'cx="([^"]+)"', chart)]
    assert all(low < mean < high for (low, high), mean in zip(ends, means, strict=True))
    assert means[0] > means[1]
    inside(chart)


def test_text_is_escaped() -> None:
    chart = str(
        line_chart(
            [Series(x=[0, 1], y=[0, 1], name="<b>")],
            alt='"><script>',
            x_title="<i>",
            y_title="&",
            marks=[Mark(at=0, text="<u>")],
        )
    )
    for raw in ("<b>", "<i>", "<u>", "<script>"):
        assert raw not in chart
    assert "&amp;" in chart


def test_labels_that_would_run_into_each_other_are_left_out() -> None:
    labels = [(0, "0:01"), (17, "8:00"), (18, "9:00"), (20, "1440:00")]
    chart = str(bar_chart(Bars(values=[1.0] * 20, labels=labels), alt="bars"))
    assert re.findall(r">([^<]+)</text>", chart) == ["1440:00", "0:01"]
