"""Troubleshooting is a set of decision trees: every question has answers, every end is a command."""

import pytest

from tests.support.markdown import ROOT, Flowchart, Page

PAGE = Page(ROOT / "docs" / "troubleshooting.md")
CHARTS = [Flowchart.parse(block) for block in PAGE.blocks("mermaid")]
COMMANDS = ("camfleet ", "camfleet-agent ", "./managed_start.sh ")
each_chart = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.labels["start"])


def test_each_of_the_five_troubles_has_its_tree() -> None:
    troubles = [heading for heading in PAGE.prose.splitlines() if heading.startswith("## ")]
    assert len(troubles) == len(CHARTS) == 5


@each_chart
def test_every_end_names_a_command_to_run(chart: Flowchart) -> None:
    ends = [chart.labels[leaf].split("<br>")[-1] for leaf in chart.leaves]
    assert [end for end in ends if not end.startswith(COMMANDS)] == []


@each_chart
def test_every_question_has_at_least_two_named_answers(chart: Flowchart) -> None:
    for question in chart.questions:
        answers = chart.answers(question)
        assert len(answers) >= 2, chart.labels[question]
        assert None not in answers, chart.labels[question]
        assert len(set(answers)) == len(answers), chart.labels[question]


@each_chart
def test_only_questions_lead_on_and_everything_is_reached_once(chart: Flowchart) -> None:
    assert {origin for origin, _, _ in chart.edges} == chart.questions
    assert sorted(["start", *(target for _, _, target in chart.edges)]) == sorted(chart.labels)


def test_a_line_that_is_neither_node_nor_edge_is_refused() -> None:
    with pytest.raises(ValueError, match="neither node nor edge"):
        Flowchart.parse('flowchart TD\n    start{"Why?"}\n    nonsense')


def test_a_chart_is_read_into_labels_questions_and_edges() -> None:
    chart = Flowchart.parse('flowchart TD\n  start{"Why?"}\n  start -->|this| one["do<br>that"]')
    assert chart.labels == {"start": "Why?", "one": "do<br>that"}
    assert chart.questions == {"start"}
    assert chart.edges == [("start", "this", "one")]
    assert chart.leaves == {"one"}
